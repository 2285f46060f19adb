import pytest

from medalliance.simulate import simulate_claims, simulate_panel


@pytest.fixture(scope="session")
def world():
    return simulate_panel(40, 6, channels=False)


@pytest.fixture(scope="session")
def claims_folder(world, tmp_path_factory):
    """A folder of about 60,000 claims, and the panel that they must give."""
    folder = tmp_path_factory.mktemp("claims") / "claims"
    return folder, simulate_claims(world, folder, rows=60_000)
