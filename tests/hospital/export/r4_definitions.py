"""A bundle held against the structure definitions that HL7 publishes with FHIR R4 (4.0.1): a validator that is offline.

``r4_definitions.json`` is cut out of HL7's own files (``profiles-resources.json``, ``profiles-types.json`` and
``valuesets.json`` of the specification's ``definitions.json.zip``, in the public domain by CC0), for the resources that
are exported and all types within them: each element's cardinality, types, required codes, targets and invariants, and
the pattern of each primitive. To make it anew: ``python -m tests.hospital.export.r4_definitions FOLDER``.
Invariants are FHIRPath; those of what is exported stand below in Python, and one that does not is a fault. What
terminologies mean is not looked up.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("r4_definitions.json")
RESOURCES = ("Bundle", "BodyStructure", "Device", "DiagnosticReport", "ImagingStudy", "Observation", "Patient")
DEFINED = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
IS_EMPTY = "ele-1"
"""Holds for every element: looked after here, since evaluating it everywhere takes minutes."""
MOST_CODES = 60
"""Larger value sets (languages, mime types) are other bodies' and are not kept."""

Element = dict[str, Any]


@cache
def definitions() -> dict[str, dict[str, Element]]:
    """Return the elements of each type and resource by path."""
    table: dict[str, dict[str, Element]] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table


def faults(bundle: dict[str, Any]) -> list[str]:
    """Say what in a bundle R4 does not allow."""
    kinds = {entry["fullUrl"]: entry["resource"]["resourceType"] for entry in bundle["entry"]}
    return list(_Walk(kinds).of_resource(bundle, "Bundle"))


class _Walk:
    """One pass over a bundle; ``kinds`` are the resource types by address."""

    def __init__(self, kinds: dict[str, str]) -> None:
        self.kinds = kinds

    def of_resource(self, resource: dict[str, Any], where: str) -> Iterator[str]:
        kind = resource.get("resourceType", "")
        if kind not in definitions():
            yield f"{where}: {kind} is not defined"
            return
        yield from self.of_object(resource, kind, kind, where)

    def of_object(self, item: Any, kind: str, path: str, where: str) -> Iterator[str]:
        """Hold an object against the elements below a path of a type."""
        if not isinstance(item, dict) or not item:
            yield f"{where}: expected an object with content, found {item!r}"
            return
        elements = {name[len(path) + 1 :]: one for name, one in definitions()[kind].items() if _is_child(name, path)}
        seen = set()
        for name, value in item.items():
            if name == "resourceType" and path in RESOURCES:
                continue
            match = _element_of(name, elements)
            if match is None:
                yield f"{where}.{name}: unknown"
                continue
            element_name, type_code = match
            seen.add(element_name)
            yield from self.of_element(
                value, elements[element_name], type_code, (kind, f"{path}.{element_name}"), f"{where}.{name}"
            )
        yield from (f"{where}.{name}: missing" for name, one in elements.items() if one["min"] and name not in seen)
        yield from _broken_rules(item, definitions()[kind][path], where)

    def of_element(
        self, value: Any, element: Element, type_code: str, place: tuple[str, str], where: str
    ) -> Iterator[str]:
        """Hold the values of one element against it."""
        if isinstance(value, list) != (element["max"] == "*"):
            yield f"{where}: expected {'a list' if element['max'] == '*' else 'one value'}"
            return
        for one in value if isinstance(value, list) else [value]:
            if "same" in element:
                yield from self.of_object(one, place[0], element["same"], where)
            elif type_code == "Resource":
                yield from self.of_resource(one, where)
            elif type_code in ("BackboneElement", "Element"):
                yield from self.of_object(one, *place, where)
            elif "pattern" in definitions()[type_code][type_code]:
                yield from _of_primitive(one, type_code, where)
            else:
                yield from self.of_object(one, type_code, type_code, where)
            yield from _of_codes(one, element, where)
            yield from self.of_target(one, element, where)

    def of_target(self, value: Any, element: Element, where: str) -> Iterator[str]:
        if "targets" not in element or not isinstance(value, dict) or "reference" not in value:
            return
        address = value["reference"]
        kind = "Patient" if address.startswith("Patient?identifier=") else self.kinds.get(address)
        if kind not in element["targets"] and "Resource" not in element["targets"]:
            yield f"{where}: leads to {kind}, not to one of {element['targets']}"


def _is_child(name: str, path: str) -> bool:
    return name.startswith(f"{path}.") and "." not in name[len(path) + 1 :]


def _element_of(name: str, elements: dict[str, Element]) -> tuple[str, str] | None:
    if name in elements:
        return name, elements[name]["types"][0] if elements[name].get("types") else ""
    for base, element in elements.items():
        for code in element.get("types", ()) if base.endswith("[x]") else ():
            if name == base.removesuffix("[x]") + code[0].upper() + code[1:]:
                return base, code
    return None


def _of_primitive(value: Any, type_code: str, where: str) -> Iterator[str]:
    pattern, kind = definitions()[type_code][type_code]["pattern"], type(value)
    wanted = {"boolean": (bool,), "decimal": (int, float), "integer": (int,), "positiveInt": (int,)}
    wanted["unsignedInt"] = (int,)
    text = str(value).lower() if kind is bool else str(value)
    if kind not in wanted.get(type_code, (str,)) or not re.fullmatch(pattern, text) or text == "":
        yield f"{where}: {value!r} is no {type_code}"


def _of_codes(value: Any, element: Element, where: str) -> Iterator[str]:
    if "codes" not in element:
        return
    codings = value.get("coding", [value]) if isinstance(value, dict) else [{"code": value}]
    if not any(coding.get("code") in element["codes"] for coding in codings):
        yield f"{where}: {codings} is not one of {element['codes']}"


def _broken_rules(item: Any, element: Element, where: str) -> Iterator[str]:
    for key in element.get("rules", ()):
        if key not in RULES:
            yield f"{where}: nobody looks after {key}"
        elif not RULES[key](item):
            yield f"{where}: breaks {key}"


def _addresses_are_distinct(bundle: Any) -> bool:
    keys = [
        (entry["fullUrl"], entry.get("resource", {}).get("meta", {}).get("versionId"))
        for entry in bundle.get("entry", ())
        if "fullUrl" in entry
    ]
    return bundle.get("type") == "history" or len(set(keys)) == len(keys)


def _no_part_repeats_the_code(observation: Any) -> bool:
    def codings(concept: Any) -> set[tuple[Any, Any]]:
        return {(one.get("system"), one.get("code")) for one in concept.get("coding", ())}

    whole = codings(observation.get("code", {}))
    parts = observation.get("component", ())
    return not _value(observation) or not any(whole & codings(part.get("code", {})) for part in parts)


def _value(item: Any) -> bool:
    return any(re.fullmatch("value[A-Z].*", name) for name in item)


SENT = ("batch", "transaction", "history")
RULES: dict[str, Callable[[Any], bool]] = {
    "bdl-1": lambda b: "total" not in b or b.get("type") in ("searchset", "history"),
    "bdl-2": lambda b: b.get("type") == "searchset" or not any("search" in e for e in b.get("entry", ())),
    "bdl-3": lambda b: all(("request" in e) == (b.get("type") in SENT) for e in b.get("entry", ())),
    "bdl-4": lambda b: not any("response" in e for e in b.get("entry", ())),
    "bdl-5": lambda e: bool({"resource", "request", "response"} & e.keys()),
    "bdl-7": _addresses_are_distinct,
    "bdl-8": lambda e: "/_history/" not in e.get("fullUrl", ""),
    **dict.fromkeys(("bdl-9", "bdl-10", "bdl-11"), lambda b: b.get("type") != "document"),
    "bdl-12": lambda b: b.get("type") != "message",
    **dict.fromkeys(("dom-2", "dom-3", "dom-4", "dom-5"), lambda r: "contained" not in r),
    "obs-6": lambda o: "dataAbsentReason" not in o or not _value(o),
    "obs-7": _no_part_repeats_the_code,
    "qty-3": lambda q: "code" not in q or "system" in q,
    "ref-1": lambda r: not r.get("reference", "").startswith("#"),
}
"""The invariants of elements that are exported, each as its FHIRPath says, or narrower; the rest is never written."""


def cut_out(folder: Path) -> dict[str, dict[str, Element]]:
    """Return the table from the files of the specification."""
    by_name: dict[str, Any] = {}
    for name in ("profiles-types.json", "profiles-resources.json"):
        for resource in _resources(folder / name):
            if resource["resourceType"] == "StructureDefinition" and resource["id"] == resource["type"]:
                by_name[resource["id"]] = resource
    codes = _codes_of(folder / "valuesets.json")
    table: dict[str, dict[str, Element]] = {}
    wanted = list(RESOURCES)
    while wanted:
        name = wanted.pop()
        if name in table or name in ("", "Resource", "BackboneElement", "Element") or name not in by_name:
            continue
        elements = {one["path"]: _cut_element(one, codes) for one in by_name[name]["snapshot"]["element"]}
        if by_name[name]["kind"] == "primitive-type":
            elements = {name: {"pattern": _pattern(by_name[name])}}
        table[name] = elements
        wanted += [code for one in elements.values() for code in one.get("types", ())]
    return dict(sorted(table.items()))


def _cut_element(element: Any, codes: dict[str, list[str]]) -> Element:
    kept: Element = {"min": element["min"], "max": element["max"] if element["max"] in "01" else "*"}
    if "contentReference" in element:
        kept["same"] = element["contentReference"].split("#")[1]
    types = element.get("type", ())
    kept["types"] = [_type_name(one) for one in types]
    targets = [url.removeprefix(DEFINED) for one in types for url in one.get("targetProfile", ())]
    rules = {
        rule["key"]: rule["expression"]
        for rule in element.get("constraint", ())
        if rule["severity"] == "error" and rule["key"] != IS_EMPTY and "expression" in rule
    }
    binding = element.get("binding", {})
    bound = codes.get(binding.get("valueSet", "").split("|")[0]) if binding.get("strength") == "required" else None
    kept |= {key: value for key, value in (("targets", targets), ("rules", rules), ("codes", bound)) if value}
    return kept


def _type_name(one: Any) -> str:
    if not one["code"].startswith(SYSTEM_TYPE):
        return str(one["code"])
    stated = [ext["valueUrl"] for ext in one.get("extension", ()) if ext["url"].endswith("fhir-type")]
    return str(stated[0] if stated else one["code"].removeprefix(SYSTEM_TYPE).lower())


def _pattern(definition: Any) -> str:
    for element in definition["snapshot"]["element"]:
        for one in element.get("type", ()):
            for extension in one.get("extension", ()):
                if extension["url"].endswith("/regex"):
                    return str(extension["valueString"])
    return r"[\s\S]*"


def _codes_of(path: Path) -> dict[str, list[str]]:
    by_url = {one["url"]: one for one in _resources(path) if "url" in one}
    systems = {url: list(_concepts(one)) for url, one in by_url.items() if one["resourceType"] == "CodeSystem"}
    codes = {}
    for url, one in by_url.items():
        parts = one.get("compose", {}).get("include", ()) if one["resourceType"] == "ValueSet" else ()
        listed = [
            code
            for part in parts
            for code in (_listed(part) if "concept" in part else systems.get(part.get("system"), ()))
        ]
        if listed and len(listed) <= MOST_CODES and not any("filter" in part for part in parts):
            codes[url] = sorted(listed)
    return codes


def _listed(part: Any) -> list[str]:
    return [one["code"] for one in part["concept"]]


def _concepts(node: Any) -> Iterator[str]:
    for one in node.get("concept", ()):
        yield one["code"]
        yield from _concepts(one)


def _resources(path: Path) -> Iterator[Any]:
    for entry in json.loads(path.read_text(encoding="utf-8"))["entry"]:
        yield entry["resource"]


if __name__ == "__main__":
    text = json.dumps(cut_out(Path(sys.argv[1])), ensure_ascii=False, separators=(",", ":"), indent=None)
    TABLE.write_text(text.replace('},"', '},\n"') + "\n", encoding="utf-8")
