"""A registry directory is read whole, and each mistake is told with file, line, rule, value and fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.registries import EMPTY_BASE, MANIFEST, ROUTER, mistakes, placed, read_text

from otel_trading.catalogue.mistakes import RegistryError
from otel_trading.catalogue.reading import read
from otel_trading.catalogue.unit import is_unit, meant
from otel_trading.metrics import boundaries

HEAD = "file_format: definition/2\n"
COUNTER = """\
  - name: {name}
    instrument: counter
    unit: "{{order}}"
    stability: development
    brief: Orders.
"""


def line_of(text: str, words: str) -> int:
    """The line in which some words stand first."""
    return text[: text.index(words)].count("\n") + 1


def test_everything_is_read_with_its_place(tmp_path: Path) -> None:
    """Attributes, metrics, spans and events; references are resolved."""
    found = read_text(tmp_path)
    assert ("acme_desk", "1.2.0", ("router",)) == (found.name, found.version, found.areas)
    held, wait, still, state = found.metrics
    assert ("acme.router.held", "counter", "{order}", "held") == (held.name, held.instrument, held.unit, held.python)
    assert [("acme.router.reason", "required"), ("acme.venue", "recommended")] == [
        (use.attribute.key, use.level) for use in held.uses
    ]
    assert (("no_venue", "closed"), None) == (held.uses[0].attribute.closed, held.uses[1].attribute.closed)
    assert (("XNAS", "XLON"), ("desk: held",)) == (held.uses[1].allow, held.source)
    assert ({"acme.router.reason": "no_venue"},) == held.initial
    assert ("registry/router.yaml", line_of(ROUTER, "name: acme.router.held")) == (held.place.file, held.place.line)
    assert ((0.001, 0.01, 0.1), ()) == (wait.boundaries, still.boundaries)
    assert ({},) == state.initial
    assert ("internal", "route {acme.venue}") == (found.spans[0].kind, found.spans[0].span_name)
    use = found.events[0].uses[0]
    assert ("conditionally_required", "if it is known", False) == (use.level, use.condition, use.required)


def test_all_mistakes_of_all_files_come_at_once(tmp_path: Path) -> None:
    """Sorted by file and line; one exception holds them."""
    broken = ROUTER.replace("unit: s\n", "unit: usec\n").replace("instrument: gauge", "instrument: gage")
    with pytest.raises(RegistryError) as raised:
        read(placed(tmp_path, broken, extra=f"{HEAD}metric: []\n"), EMPTY_BASE)
    assert [
        ("registry/extra.yaml", 2, "metric"),
        ("registry/router.yaml", line_of(broken, "unit: usec"), "metrics[1].unit"),
        ("registry/router.yaml", line_of(broken, "instrument: gage"), "metrics[3].instrument"),
    ] == [(one.place.file, one.place.line, one.place.path) for one in raised.value.mistakes]
    assert str(raised.value).startswith("3 mistakes in the registry:\n  registry/extra.yaml:2: metric: must be a known")


CASES = {
    "a unit that is none": (
        ("unit: s\n", "unit: usec\n"),
        "metrics[1].unit: must be a UCUM unit or an annotation in braces; was 'usec'. "
        "Use 'us', or 's' with a scale in the profile.",
    ),
    "a unit that counts things": (
        ('unit: "{order}"\n    stability: development\n    brief: Orders that wait', "unit: orders\n"
         "    stability: development\n    brief: Orders that wait"),
        "metrics[2].unit: must be a UCUM unit or an annotation in braces; was 'orders'. "
        "Use '{order}' for a count of things.",
    ),
    "an unknown key": (
        ("    kind: internal", "    kinds: internal"),
        "spans[0].kinds: must be a known key; was unknown. Did you mean 'kind'?",
    ),
    "a missing key": (
        ("    brief: Orders that wait.\n", ""),
        "metrics[2].brief: must be present; was missing. Add 'brief:'.",
    ),
    "a key without a value": (
        ("name: acme.router.open", "name:"),
        "metrics[2].name: must have a value; was empty. Write it, or remove the entry.",
    ),
    "a blank": (
        ("brief: Which hop.", "brief: ' '"),
        "attributes[1].brief: must have a value; was empty. Write it, or remove the entry.",
    ),
    "a wrong type": (
        ("brief: Which hop.", "brief: [Which hop]"),
        "attributes[1].brief: must be text; was a list. Write it in quotes.",
    ),
    "a number for a text": (
        ("brief: Which hop.", "brief: 7"),
        "attributes[1].brief: must be text; was 7. Write it in quotes.",
    ),
    "an unknown word": (
        ("instrument: gauge", "instrument: gage"),
        "metrics[3].instrument: must be one of counter, updowncounter, gauge, histogram; was 'gage'. "
        "Did you mean 'gauge'?",
    ),
    "an unknown stability": (
        ("stability: development\n    brief: Which hop", "stability: done\n    brief: Which hop"),
        "attributes[1].stability: must be one of development, alpha, beta, release_candidate, stable, deprecated; was "
        "'done'. Write one of these words.",
    ),
    "an unknown type of attribute": (
        ("type: int\n", "type: integer\n"),
        "attributes[1].type: must be one of string, int, double,",
    ),
    "a reference that leads nowhere": (
        ("- ref: acme.router.hop", "- ref: acme.router.hops"),
        "metrics[1].attributes[0].ref: must refer to an attribute that is defined; was 'acme.router.hops'. "
        "Did you mean 'acme.router.hop'?",
    ),
    "a level that is none": (
        ("requirement_level: opt_in", "requirement_level: optional"),
        "metrics[1].attributes[0].requirement_level: must be one of required, recommended, opt_in; was 'optional'.",
    ),
    "a level with two conditions": (
        ("{conditionally_required: if it is known}", "{conditionally_required: x, recommended: y}"),
        "events[0].attributes[0].requirement_level: must have one key; was a mapping.",
    ),
    "an attribute that comes twice": (
        ("      - ref: acme.venue\n        annotations", "      - ref: acme.router.reason\n        annotations"),
        "metrics[0].attributes[1].ref: must be there once; was repeated. Keep one of them.",
    ),
    "a name with capitals": (
        ("name: acme.router.open", "name: acme.router.openOrders"),
        "metrics[2].name: must be a name such as 'trading.order.ack.duration'; was 'acme.router.openOrders'. "
        "Write 'acme.router.open_orders'.",
    ),
    "a name that ends with its unit": (
        ("acme.router.wait.duration", "acme.router.wait_seconds"),
        "metrics[1].name: must not end with a unit or 'total'; was 'acme.router.wait_seconds'.",
    ),
    "a name of ours": (
        ("name: acme.router.open", "name: trading.router.open"),
        "metrics[2].name: must not begin with trading., otel_trading., otel.; was 'trading.router.open'. "
        "Begin with the name of your desk, firm or program.",
    ),
    "a name that comes twice": (
        ("name: acme.router.open", "name: acme.router.held"),
        "metrics[2].name: must be a name of its own; was that of registry/router.yaml:",
    ),
    "two names that are one in Prometheus": (
        ("name: acme.router.open", "name: acme.router_held"),
        "was like 'acme.router.held' of registry/router.yaml:",
    ),
    "the same name in Python": (
        ("name: acme.router.open", "name: acme.other.held"),
        "metrics[2].name: must have another name in Python than registry/router.yaml:",
    ),
    "a name that Python does not take": (
        ('["desk: held"]\n', '["desk: held"]\n        python: held-orders\n'),
        "metrics[0].annotations.otel_trading.python: must be a name that Python takes and nothing else has; was "
        "'held-orders'.",
    ),
    "boundaries that fall": (
        ("[0.001, 0.01, 0.1]", "[0.001, 0.1, 0.01]"),
        "metrics[1].annotations.otel_trading.boundaries: must be strictly ascending; was 0.01 after 0.1.",
    ),
    "boundaries without an end": (
        ("[0.001, 0.01, 0.1]", "[0.001, .inf]"),
        "metrics[1].annotations.otel_trading.boundaries: must be finite numbers; was inf.",
    ),
    "boundaries of an unknown set": (
        ("[0.001, 0.01, 0.1]", "microsecond"),
        "boundaries: must be a list of numbers or the name of a ready-made set; was 'microsecond'. "
        "Did you mean 'microseconds'?",
    ),
    "boundaries that do not convert": (
        ("[0.001, 0.01, 0.1]", "bytes"),
        "boundaries: must be of a unit that converts into the metric's; was bytes (By) for 's'.",
    ),
    "boundaries on a gauge": (
        ("{otel_trading: {initial: [{}]}}", "{otel_trading: {boundaries: [1]}}"),
        "metrics[3].annotations.otel_trading.boundaries: must stand on a histogram; was a gauge. Leave them out.",
    ),
    "an initial value that is no member": (
        ("[{acme.router.reason: no_venue}]", "[{acme.router.reason: no_venu}]"),
        "metrics[0].annotations.otel_trading.initial[0].acme.router.reason: must be one of no_venue, closed; was "
        "'no_venu'. Did you mean 'no_venue'?",
    ),
    "an initial set without what is required": (
        ("[{acme.router.reason: no_venue}]", "[{acme.venue: XNAS}]"),
        "metrics[0].annotations.otel_trading.initial[0].acme.router.reason: must be present; was missing.",
    ),
    "an initial value where there are no attributes": (
        ('    unit: "{order}"\n    stability: development\n    brief: Orders that wait.\n',
         '    unit: "{order}"\n    stability: development\n    brief: Orders that wait.\n'
         "    annotations: {otel_trading: {initial: [{acme.venue: XNAS}]}}\n"),
        "initial[0].acme.venue: must be a known key; was unknown. Known here: none.",
    ),
    "an initial value outside of the list": (
        ("[{acme.router.reason: no_venue}]", "[{acme.router.reason: no_venue, acme.venue: XPAR}]"),
        "initial[0].acme.venue: must be one of XNAS, XLON; was 'XPAR'.",
    ),
    "an allowed value of another type": (
        ("allow: [XNAS, XLON]", "allow: [XNAS, 7]"),
        "metrics[0].attributes[1].annotations.otel_trading.allow: must hold values of type string; was 7.",
    ),
    "an unknown annotation of ours": (
        ("allow: [XNAS, XLON]", "allowed: [XNAS]"),
        "annotations.otel_trading.allowed: must be a known key; was unknown. Did you mean 'allow'?",
    ),
    "our annotations misspelt": (
        ("annotations: {otel_trading: {initial: [{}]}}", "annotations: {otel-trading: {initial: [{}]}}"),
        "metrics[3].annotations.otel-trading: must be a known key; was unknown. Did you mean 'otel_trading'?",
    ),
    "a deprecation without a form": (
        ("    brief: Which hop.\n", "    brief: Which hop.\n    deprecated: use another\n"),
        "attributes[1].deprecated: must be a mapping with a reason; was 'use another'. "
        "Write {reason: renamed, renamed_to: the.new.name} or {reason: obsoleted, note: ...}.",
    ),
    "a renaming without the new name": (
        ("    brief: Which hop.\n", "    brief: Which hop.\n    deprecated: {reason: renamed}\n"),
        "attributes[1].deprecated.renamed_to: must be present; was missing.",
    ),
    "a renaming to nothing": (
        ("    brief: Which hop.\n", "    brief: Which hop.\n    deprecated: {reason: renamed, renamed_to: acme.ven}\n"),
        "attributes[1].deprecated.renamed_to: must be a name that is defined; was 'acme.ven'. "
        "Did you mean 'acme.venue'?",
    ),
    "an enumeration with a value twice": (
        ("value: closed", "value: no_venue"),
        "attributes[0].type.members[1].value: must be there once; was 'no_venue'.",
    ),
    "an enumeration of two types": (
        ("value: closed", "value: 7"),
        "attributes[0].type.members[1].value: must be of the type of the first, 'no_venue'; was 7.",
    ),
    "a template on a metric": (
        ("type: int\n", "type: template[string]\n"),
        "metrics[1].attributes[0].ref: must be no template on a metric; was 'acme.router.hop'.",
    ),
    "a key that comes twice": (
        ("    brief: Which hop.\n", "    brief: Which hop.\n    brief: Again.\n"),
        "attributes[1].brief: must be there once; was repeated. Keep one of them.",
    ),
    "a control character": (
        ("brief: Which hop.", 'brief: "Which\\x07 hop."'),
        "attributes[1].brief: must be printable text; was 'Which\\x07 hop.'. Remove the control characters.",
    ),
    "another format": (
        ("file_format: definition/2", "file_format: definition/1"),
        "file_format: must be one of definition/2; was 'definition/1'. Did you mean 'definition/2'?",
    ),
    "broken syntax": (
        ("unit: s\n", "unit: [s\n"),
        "must be valid YAML; was ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_told_with_its_line_and_fix(case: str, tmp_path: Path) -> None:
    """One change of a valid file, one message; its line is that of the changed text or of its entry."""
    (before, after), message = CASES[case]
    assert before in ROUTER
    text = ROUTER.replace(before, after)
    found = mistakes(tmp_path, text)
    assert [one for one in found if message in one], found
    assert all(one.startswith("registry/router.yaml:") for one in found)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("a unit that is none", "unit: usec"),
        ("a missing key", "- name: acme.router.open"),
        ("a reference that leads nowhere", "ref: acme.router.hops"),
        ("boundaries that fall", "boundaries: [0.001, 0.1"),
        ("a level with two conditions", "requirement_level: {conditionally"),
        ("an enumeration with a value twice", "id: closed"),
        ("a name that comes twice", "name: acme.router.held\n    instrument: updown"),
    ],
)
def test_the_line_is_that_of_the_mistake(case: str, words: str, tmp_path: Path) -> None:
    """And the only one."""
    (before, after), _ = CASES[case]
    text = ROUTER.replace(before, after)
    lines = {one.split(":")[1] for one in mistakes(tmp_path, text)}
    assert {str(line_of(text, words))} == lines


def test_a_name_of_the_base_is_not_defined_again(tmp_path: Path) -> None:
    """Its attributes may be referred to, its names not taken; the message tells where they stand."""
    base = read_text(tmp_path)
    own = tmp_path / "own"
    own.mkdir()
    uses = "    attributes:\n      - ref: acme.venue\n"
    good = f"{HEAD}metrics:\n{COUNTER.format(name='beta.orders')}{uses}"
    found = read(placed(own, good), base)
    assert ["acme.venue"] == [use.attribute.key for use in found.metrics[0].uses]
    place = line_of(ROUTER, "name: acme.router.held")
    assert [
        "registry/router.yaml:3: metrics[0].name: must be a name of its own; was that of otel_trading's "
        f"registry/router.yaml:{place}. Rename one of them."
    ] == mistakes(own, f"{HEAD}metrics:\n{COUNTER.format(name='acme.router.held')}", base)


def test_groups_of_attributes_are_expanded(tmp_path: Path) -> None:
    """Groups may hold groups; an entry beside a group counts over it, and a circle is a mistake."""
    text = f"""{HEAD}attributes:
  - {{key: acme.a, type: string, stability: development, brief: A.}}
  - {{key: acme.b, type: string, stability: development, brief: B.}}
attribute_groups:
  - {{id: inner, visibility: internal, attributes: [{{ref: acme.a}}]}}
  - {{id: outer, visibility: internal, attributes: [{{ref_group: inner}}, {{ref: acme.b}}]}}
metrics:
{COUNTER.format(name="acme.orders")}    attributes:
      - ref_group: outer
      - ref: acme.a
        requirement_level: required
"""
    uses = read_text(tmp_path, text).metrics[0].uses
    assert [("acme.a", "required"), ("acme.b", "recommended")] == [(use.attribute.key, use.level) for use in uses]
    circle = text.replace("attributes: [{ref: acme.a}]", "attributes: [{ref_group: outer}]")
    assert ["attribute_groups[0].attributes[0].ref_group: must not lead back to its own group; was 'outer'."] == [
        one.partition(" ")[2].removesuffix(" Take it out.") for one in mistakes(tmp_path, circle)
    ]
    lost = text.replace("ref_group: outer", "ref_group: outre")
    assert "metrics[0].attributes[0].ref_group: must refer to a group that is defined; was 'outre'" in str(
        mistakes(tmp_path, lost)
    )


def test_ready_made_boundaries_are_converted(tmp_path: Path) -> None:
    """`microseconds` on a metric in seconds."""
    text = ROUTER.replace("[0.001, 0.01, 0.1]", "microseconds")
    assert boundaries.MICROSECONDS.in_unit("s") == read_text(tmp_path, text).metrics[1].boundaries


def test_keywords_are_the_last_parts_that_are_unique(tmp_path: Path) -> None:
    """Unless an annotation says otherwise; two annotations of the same are a mistake."""
    from otel_trading.catalogue.naming import keywords

    assert ["order_type", "fill_type", "venue", "class_"] == keywords(
        [("acme.order.type", ""), ("acme.fill.type", ""), ("acme.market.name", "venue"), ("acme.class", "")]
    )
    assert ["b_amount", "a_amount"] == keywords([("a.b.amount", "b_amount"), ("acme.a.amount", "a_amount")])
    text = ROUTER.replace("brief: Where it goes.", "brief: W.\n    annotations: {otel_trading: {python: reason}}")
    text = text.replace(
        "brief: Why an order was", "annotations: {otel_trading: {python: reason}}\n    brief: Why it was"
    )
    assert "must have another keyword than acme.router.reason; was 'reason'" in str(mistakes(tmp_path, text))


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("", "registry/manifest.yaml:1: must be a YAML mapping; was empty."),
        ("- a\n", "registry/manifest.yaml:1: must be a mapping; was a list."),
        ("description: x\n", "schema_url: must be present; was missing."),
        ("schema_url: acme/1.0.0\n", "must be a URL that ends with a name and a version; was 'acme/1.0.0'"),
        (f"{MANIFEST}schema_ur: x\n", "schema_ur: must be a known key; was unknown. Did you mean 'schema_url'?"),
    ],
)
def test_a_manifest_names_the_registry(manifest: str, message: str, tmp_path: Path) -> None:
    """Its schema URL gives the name and the version of the scope."""
    with pytest.raises(RegistryError) as raised:
        read(placed(tmp_path, manifest=manifest), EMPTY_BASE)
    assert message in str(raised.value)


def test_what_is_no_registry_is_one_mistake(tmp_path: Path) -> None:
    """No directory, no manifest, bytes that are no text, a file whose name is none of Python's."""
    with pytest.raises(RegistryError, match="must be a directory; was none"):
        read(tmp_path / "none")
    root = placed(tmp_path)
    (root / "manifest.yaml").unlink()
    with pytest.raises(RegistryError, match="manifest.yaml:1: must be there; was missing"):
        read(root, EMPTY_BASE)
    placed(tmp_path)
    (root / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RegistryError, match="bytes.yaml:1: must be UTF-8 text"):
        read(root, EMPTY_BASE)
    (root / "bytes.yaml").unlink()
    (root / "router.yaml").rename(root / "my-router.yaml")
    with pytest.raises(
        RegistryError, match=r"my-router.yaml:1: must be a file whose name Python takes; was 'my-router'"
    ):
        read(root, EMPTY_BASE)


@pytest.mark.parametrize(
    ("unit", "fix"),
    [
        ("sec", "Use 's'."),
        ("MB", "Use 'MiBy'."),
        ("Milliseconds", "Use 'ms', or 's' with a scale in the profile."),
        ("percent", "Use '%'."),
        ("Order Books", "Use '{order_book}' for a count of things."),
    ],
)
def test_a_wrong_unit_is_met_with_the_right_one(unit: str, fix: str) -> None:
    """What people write instead of UCUM."""
    assert (False, fix) == (is_unit(unit), meant(unit))


@pytest.mark.parametrize("unit", ["1", "s", "us", "By", "KiBy", "By/s", "{order}/s", "USD", "%", "{bps}", "[ppm]", "h"])
def test_units_of_ucum_annotations_and_currencies_are_right(unit: str) -> None:
    """Also one in another."""
    assert is_unit(unit)


@pytest.mark.parametrize("unit", ["", "x", "s/s/s", "{", "{}", "usd", "ks ", "Mmin"])
def test_other_texts_are_no_units(unit: str) -> None:
    """A prefix stands before few of them only."""
    assert not is_unit(unit)
