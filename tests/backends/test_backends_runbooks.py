"""What a runbook says to type into Kibana is understood by Kibana's own parser."""

from __future__ import annotations

import re

import pytest
from backend_tools import ROOT, BackendError, kql

pytestmark = pytest.mark.backends
PAGES = sorted((ROOT / "docs/runbooks").glob("*.md"))
FIELDS = {"message", "log.level", "service.name", "trace.id"}
"""Names that the templates of Elasticsearch give; test_backends_templates tries them."""


def lines() -> dict[str, str]:
    """Every line for Kibana once, with the page where it stands."""
    found = {}
    for page in PAGES:
        for block in re.findall(r"^```text\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M):
            if " : " in block:
                found[block.strip()] = page.name
    return found


def test_every_line_for_kibana_is_understood() -> None:
    """And asks for fields that log records have."""
    kql.obtain()
    known = {name: {"keyword": {"type": "keyword", "searchable": True, "aggregatable": True}} for name in FIELDS}
    assert len(lines()) > 20
    for line, page in lines().items():
        assert set(kql.convert(line, known).fields) <= FIELDS, (page, line)


def test_a_line_that_is_none_is_found() -> None:
    """The test above can fail."""
    kql.obtain()
    with pytest.raises(BackendError):
        kql.convert('message : ("open', {})
