# Copyright: Contributors to weft.netns
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written about the collection, held to what is there."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
ENGINE = CHECKOUT / "plugins/module_utils/_engine"
LONGEST_FILE = 600
MODULES = sorted(path.stem for path in (CHECKOUT / "plugins/modules").glob("*.py"))
FILTERS = sorted(path.stem for path in (CHECKOUT / "plugins/filter").glob("*.py"))
ROLES = sorted(path.name for path in (CHECKOUT / "roles").iterdir())
PLAYBOOKS = sorted(path.stem for path in (CHECKOUT / "playbooks").glob("*.yml"))
SOURCES = sorted(
    path for directory in ("plugins", "scripts", "tests", "examples", "benchmarks") for path in (CHECKOUT / directory).rglob("*.py")
)


def read_yaml(path: str) -> dict:
    return yaml.safe_load((CHECKOUT / path).read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Absolute names that a file imports, and whether that happens when the file itself is imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {node for function in ast.walk(tree) if isinstance(function, ast.FunctionDef) for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node not in inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module), node not in inside


def relative(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(CHECKOUT)) for path in paths]


def test_every_module_is_in_the_action_group():
    assert read_yaml("meta/runtime.yml")["action_groups"] == {"all": MODULES}


@pytest.mark.parametrize("name", [*MODULES, *FILTERS, *ROLES, *PLAYBOOKS])
def test_the_readme_names_it(name):
    assert f"`{name}`" in (CHECKOUT / "README.md").read_text(encoding="utf-8")


def test_the_readme_has_the_range_of_ansible_core():
    supported = re.search(r"ansible-core>=([\d.]+),<", (CHECKOUT / "requirements/controller.txt").read_text(encoding="utf-8"))[1]
    assert read_yaml("meta/runtime.yml")["requires_ansible"] == f">={supported}.0"
    assert f"ansible-core {supported} to " in (CHECKOUT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_documents_its_variables(role):
    options = read_yaml(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    defaults = read_yaml(f"roles/{role}/defaults/main.yml")
    readme = (CHECKOUT / f"roles/{role}/README.md").read_text(encoding="utf-8")
    assert set(options) == set(defaults)
    assert {name: option["default"] for name, option in options.items() if "default" in option}.items() <= defaults.items()
    assert [name for name in options if f"`{name}`" not in readme] == []


def test_every_source_names_its_licence():
    without = [path for path in SOURCES if "SPDX-License-Identifier: GPL-3.0-or-later" not in path.read_text(encoding="utf-8")[:400]]
    assert relative([path for path in without if path.stat().st_size]) == []


def test_no_source_does_too_much():
    assert relative([path for path in SOURCES if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_FILE]) == []


def test_only_the_kernel_imports_pyroute2_and_only_when_used():
    plugins = [path for path in SOURCES if path.is_relative_to(CHECKOUT / "plugins")]
    importers = {(path, at_once) for path in plugins for name, at_once in imports(path) if name.split(".")[0] == "pyroute2"}
    assert importers == {(ENGINE / "codec.py", False)}


def test_the_engine_imports_the_standard_library_and_itself():
    allowed = sys.stdlib_module_names | {"pyroute2"}
    strangers = [
        f"{path.name}: {name}" for path in ENGINE.rglob("*.py") for name, _at_once in imports(path) if name.split(".")[0] not in allowed
    ]
    assert strangers == []


def test_only_one_file_uses_ansiblemodule():
    utils = [path for path in SOURCES if path.is_relative_to(CHECKOUT / "plugins")]
    users = [path for path in utils if any(name == "ansible.module_utils.basic" for name, _at_once in imports(path))]
    assert relative(users) == ["plugins/module_utils/_module.py"]
