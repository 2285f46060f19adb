"""Spark as an engine: the same expressions, in local mode or on a cluster that is configured."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DataError, needed

if TYPE_CHECKING:
    from ibis.expr.types import Table


class Spark:
    """A Spark session on this machine, on the loopback address alone.

    ``SPARK_MASTER`` names another master; its workers must then see the same folders.
    """

    name = "spark"

    def __init__(self, memory: int, scratch: Path):
        with needed("spark"):
            import ibis
            import ibis.expr.datatypes as dt
            from pyspark.sql import SparkSession
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        java = f"-XX:-UsePerfData -Djava.io.tmpdir={scratch} -Djava.net.preferIPv4Stack=true"
        settings = {
            "spark.driver.memory": f"{max(memory // 2**20, 512)}m",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.extraJavaOptions": java,
            "spark.local.dir": str(scratch),
            "spark.sql.warehouse.dir": str(scratch / "warehouse"),
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.log.level": "ERROR",
        }
        if SparkSession.getActiveSession() is not None:
            raise DataError(
                "a Spark session is open in this process.\n"
                "  Stop it first: the build starts its own, with its own memory and scratch folder."
            )
        builder = SparkSession.builder.appName("medalliance panel")
        builder = builder.master(os.environ.get("SPARK_MASTER", "local[*]"))
        for key, value in settings.items():
            builder = builder.config(key, value)
        try:
            self.session = builder.getOrCreate()
        except Exception as failed:
            raise DataError(
                f"Spark does not start: {str(failed).strip().splitlines()[0]}\n"
                "  Install Java 17 (a headless runtime is enough) and set JAVA_HOME."
            ) from failed
        self.con = ibis.pyspark.connect(self.session)
        self._held: list[Any] = []
        self._views = 0

        def hash_of(value):  # type: ignore[no-untyped-def]
            ...

        self._hash = ibis.udf.scalar.builtin(
            hash_of, name="xxhash64", signature=((dt.string,), dt.int64)
        )

    def read_parquet(self, files: Sequence[Path]) -> Table:
        """Open Parquet files; the folders' names are no columns."""
        return self._table(self.session.read.parquet(*(str(path) for path in files)))

    def read_csv(self, files: Sequence[Path], separator: str) -> Table:
        """Open CSV files, every cell as text."""
        paths = [str(path) for path in files]
        return self._table(
            self.session.read.csv(paths, header=True, sep=separator, quote='"', escape='"')
        )

    def _table(self, frame: Any) -> Table:
        self._views += 1
        frame.createOrReplaceTempView(f"claims_{self._views}")
        return self.con.table(f"claims_{self._views}")

    def hold(self, table: Table) -> Table:
        """Keep a table in memory and, where that is short, on disk."""
        self._held.append(self.session.sql(self.con.compile(table)).persist())
        return self._table(self._held[-1])

    def let_go(self) -> None:
        """Forget what is held."""
        while self._held:
            self._held.pop().unpersist()

    def bucket(self, column: Any, n: int) -> Any:
        """Return the bucket of each value; ``n`` is a power of two."""
        return (self._hash(column) & (n - 1)).cast("int32")

    def write_buckets(self, table: Table, folder: Path) -> None:
        """Write one folder a bucket."""
        frame = self.session.sql(self.con.compile(table))
        frame.repartition("bucket").write.partitionBy("bucket").parquet(str(folder))

    def close(self) -> None:
        """Stop the session and its Java process, whose scratch folder goes away."""
        from pyspark import SparkContext

        self.session.stop()
        gateway = SparkContext._gateway
        if gateway is not None:
            gateway.shutdown()
            gateway.proc.stdin.close()  # the Java process ends when this closes
            gateway.proc.wait()
            SparkContext._gateway = SparkContext._jvm = None
