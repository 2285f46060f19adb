"""Evaluate county medical-alliance reforms: insurance-fund surplus, pay and visit shares.

Names are loaded when first used, so that ``import medalliance`` stays quick.
"""

from __future__ import annotations

import importlib
from typing import Any

# public name -> module that defines it, one a line, sorted by name
_HOME = {
    "Badge": "provenance",
    "ClaimsReport": "claims",
    "Coding": "embedding.coding",
    "Comparison": "results",
    "Contract": "incentives.contract",
    "DataError": "errors",
    "Design": "results",
    "DesignError": "errors",
    "Effects": "results",
    "Equilibrium": "incentives.equilibrium",
    "Evidence": "evidence",
    "Exhibit": "show.exhibits",
    "Findings": "show.findings",
    "NEVER_TREATED": "panel",
    "Panel": "panel",
    "PanelReport": "intake",
    "PanelWarning": "panel",
    "PatientChoice": "incentives.patients",
    "Provenance": "provenance",
    "RuleError": "errors",
    "Rules": "reforms",
    "Settlement": "settlement.settlement",
    "SimulatedPanel": "simulate",
    "Technology": "incentives.technology",
    "Truth": "panel",
    "allocate": "settlement.allocate",
    "att_gt": "estimators.att_gt",
    "bacon_decomposition": "diagnostics.bacon_decomposition",
    "build_panel_from_claims": "claims",
    "calibrate": "embedding.calibrate",
    "case_page": "chapters.case_page",
    "check_panel": "intake",
    "choose_inference": "inference.choose_inference",
    "cluster_bootstrap": "inference.cluster_bootstrap",
    "collective_optimum": "incentives.collective",
    "compare": "results",
    "conley_taber": "inference.conley_taber",
    "contract_from_rules": "incentives.bridge",
    "controlled_direct_effect": "estimators.controlled_direct_effect",
    "did_imputation": "estimators.did_imputation",
    "donut": "outcomes.exposure",
    "dynamic_panel": "estimators.dynamic_panel",
    "embedding_index": "embedding.reliability",
    "etwfe": "estimators.etwfe",
    "exposure": "outcomes.exposure",
    "figure": "show.exhibits",
    "fractional_panel": "estimators.fractional_panel",
    "gelbach": "estimators.gelbach",
    "honest_did": "inference.honest_did",
    "join_county_years": "claims",
    "krippendorff_alpha": "embedding.reliability",
    "leave_one_out": "diagnostics.leave_one_out",
    "load_coding": "embedding.coding",
    "load_evidence": "evidence",
    "load_ledger": "chapters.ledger_kept",
    "load_panel": "panel",
    "load_process": "embedding.process",
    "load_reforms": "reforms",
    "load_rules": "reforms",
    "load_sources": "evidence",
    "log_ratio_did": "estimators.log_ratio_did",
    "lp_did": "estimators.lp_did",
    "mediator_sensitivity": "estimators.controlled_direct_effect",
    "minimise": "embedding.qca",
    "minimum_detectable_effect": "diagnostics.minimum_detectable_effect",
    "nearest_ring": "outcomes.exposure",
    "neyman_variance": "inference.neyman_variance",
    "odds_sensitivity": "embedding.process",
    "outcome_values": "outcomes",
    "placebo_dates": "diagnostics.placebo_dates",
    "placebo_outcomes": "diagnostics.placebo_outcomes",
    "posterior_odds": "embedding.process",
    "pretrend_test": "diagnostics.pretrend_test",
    "randomisation_test": "inference.randomisation_test",
    "rank_ranges": "embedding.reliability",
    "read_mssp": "mssp",
    "rebasing_regression": "estimators.rebasing",
    "respond": "incentives.respond",
    "respond_with_patients": "incentives.patients",
    "respond_years": "incentives.years",
    "robust_variance": "inference.robust_variance",
    "romano_wolf": "inference.romano_wolf",
    "rule_dose": "estimators.rule_dose",
    "say": "show.front",
    "second_best_split": "incentives.split",
    "sentence": "show.exhibits",
    "settle": "settlement.settle",
    "settle_years": "settlement.settle_years",
    "share_change_table": "outcomes.composition",
    "show": "show.front",
    "simulate_claims": "simulate",
    "simulate_panel": "simulate",
    "simultaneous_band": "inference.simultaneous_band",
    "solve_batch": "incentives.batch",
    "spillover_did": "estimators.spillover_did",
    "stack_effects": "results",
    "stacked_did": "estimators.stacked_did",
    "subgroup_effects": "estimators.subgroup_effects",
    "sun_abraham": "estimators.sun_abraham",
    "surplus_split": "outcomes",
    "switching_did": "estimators.switching_did",
    "synthetic_did": "estimators.synthetic_did",
    "synthetic_weights": "estimators.synthetic_weights",
    "table": "show.tables",
    "technology_from_patients": "incentives.patients",
    "triple_did": "estimators.triple_did",
    "truth_table": "embedding.truth_table",
    "twfe": "estimators.twfe",
    "twfe_weights": "diagnostics.twfe_weights",
    "wild_bootstrap": "inference.wild_bootstrap",
    "zero_sensitivity": "estimators.zero_sensitivity",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'medalliance' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
