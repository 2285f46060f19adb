"""Rules of the reforms: dated, sourced, read from ``data/reforms``."""

from .fields import GROUPS, RuleField, core_fields, rule_fields
from .reading import Reforms, load_reforms, load_rules, read_rules, rule_names
from .schema import KINDS, STATUSES, DatedValue, Rules, rules_json_schema, shown

__all__ = [
    "GROUPS",
    "KINDS",
    "STATUSES",
    "DatedValue",
    "Reforms",
    "RuleField",
    "Rules",
    "core_fields",
    "load_reforms",
    "load_rules",
    "read_rules",
    "rule_fields",
    "rule_names",
    "rules_json_schema",
    "shown",
]
