"""Estimators: one public function a file, each returning ``Effects``."""
