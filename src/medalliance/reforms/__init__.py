"""Rules of the reforms: dated, sourced, read from ``data/reforms``."""

from .dated import SILENCE, STATUSES, DatedValue, shown
from .fields import GROUPS, RuleField, core_fields, rule_fields
from .reading import Reforms, load_reforms, load_rules, read_rules, rule_names
from .schema import KINDS, Rules, need_rules, rules_json_schema

__all__ = [
    "GROUPS",
    "KINDS",
    "SILENCE",
    "STATUSES",
    "DatedValue",
    "Reforms",
    "RuleField",
    "Rules",
    "core_fields",
    "load_reforms",
    "load_rules",
    "need_rules",
    "read_rules",
    "rule_fields",
    "rule_names",
    "rules_json_schema",
    "shown",
]
