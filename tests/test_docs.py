"""The pages in ``docs`` say what is so: settings, commands, tables, the unit for systemd, links."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from harness.collector import Collector
from harness.collector_binaries import is_built
from harness.lacking import lacking, require_tools
from server.keys.pkcs11_uri import Pkcs11Uri
from server.settings.settings import SETTINGS, Setting, load_settings
from storage.migrate import load_migrations
from tests.docs.pages import DOCS, FENCE, ROOT, generator, page

PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md"), *(ROOT / "docker").glob("*.md")])


def anchors(file: Path) -> set[str]:
    """Return the anchors of a page's titles, which do not repeat, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", re.sub(FENCE, "", file.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


class TestConfiguration:
    @pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
    def test_every_setting_is_documented_with_its_default(self, setting: Setting) -> None:
        default = f"`{setting.default}`" if setting.default else "none"
        row = f"| `{setting.name}` | `LOGNOTARY_{setting.name.upper()}` | {default} | "
        assert row in page("configuration.md")

    def test_no_other_setting_is_documented(self) -> None:
        documented = re.findall(r"^\| `(\w+)` \| `LOGNOTARY_", page("configuration.md"), re.MULTILINE)
        assert documented == [setting.name for setting in SETTINGS]

    def test_the_examples_are_settings_files(self, tmp_path: Path) -> None:
        file = tmp_path / "lognotary.toml"
        for language, text in FENCE.findall(page("configuration.md")):
            if language != "toml":
                continue
            file.write_text(text, encoding="utf-8")

            settings = load_settings({"config": str(file)}, {})

            example = tomllib.loads(text)
            assert settings.deployment == example.get("deployment", "lognotary")
            assert settings.signing_key == example.get("signing_key", "")
            for rule, described in zip(settings.audit_rules, example.get("audit", {}).get("rules", []), strict=False):
                assert rule.name == described["name"]

    def test_the_key_of_the_example_is_named_by_a_uri_that_can_be_read(self) -> None:
        examples = [
            tomllib.loads(text) for language, text in FENCE.findall(page("configuration.md")) if language == "toml"
        ]
        [uri] = [example["signing_key"] for example in examples if "signing_key" in example]
        assert Pkcs11Uri.parse(uri).label == "signing-key"


class TestCommandLine:
    def test_the_page_is_what_the_commands_print(self) -> None:
        assert page("cli.md") == generator.cli_page(), "run: python docs/generate.py"

    def test_the_help_of_the_installed_command_is_on_the_page(self) -> None:
        environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
        for arguments in ((), ("serve",), ("verify",)):
            command = [sys.executable, "-m", "server", *arguments, "--help"]
            printed = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=True)
            assert printed.stdout.strip() in page("cli.md")


class TestStorage:
    def test_every_column_of_every_table_is_documented(self) -> None:
        text = page("storage.md")
        for migration in load_migrations():
            for statement in migration.statements((26, 9)):
                for column, kind in re.findall(r"ADD COLUMN IF NOT EXISTS `(\w+)` (\S+)", statement):
                    assert f"| `{column}` | `{kind}` |" in text
                if statement.startswith(("ALTER TABLE", "INSERT INTO")):
                    continue  # it creates no table
                table = re.match(r"CREATE (?:TABLE|MATERIALIZED VIEW) IF NOT EXISTS (\w+)", statement)
                assert table is not None
                assert f"`{table[1]}`" in text
                for column in re.findall(r"^    `((?!__otel_)[\w.]+)` ", statement, re.MULTILINE):
                    assert f"`{column}`" in text, column

    def test_every_attribute_that_has_an_alias_is_documented(self) -> None:
        [statement] = [s for m in load_migrations() for s in m.statements((26, 9)) if "EXISTS otel_logs (" in s]
        for attribute in re.findall(r"`__otel_materialized_([\w.]+)`", statement):
            assert f"`{attribute}`" in page("storage.md")


class TestReadme:
    def test_its_collector_configuration_starts(self, tmp_path: Path) -> None:
        if not is_built():
            lacking("the Collector is not built: run .venv/bin/python -m harness.collector_binaries")
        readme = (ROOT / "README.md").read_text(encoding="utf-8")
        [config] = [text for language, text in FENCE.findall(readme) if language == "yaml"]
        config = config.replace("/var/lib/otelcol", str(tmp_path)).replace("127.0.0.1:14317", "127.0.0.1:0")

        with Collector(config, tmp_path / "collector") as collector:
            assert collector.running


class TestOperations:
    def test_systemd_accepts_the_unit(self, tmp_path: Path) -> None:
        require_tools("systemd-analyze")
        unit = (DOCS / "lognotary.service").read_text(encoding="utf-8")
        here = unit.replace("/opt/lognotary/bin/lognotary", str(Path(sys.executable).with_name("lognotary")))
        assert here != unit
        (tmp_path / "lognotary.service").write_text(here, encoding="utf-8")

        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", str(tmp_path / "lognotary.service")],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert (done.returncode, done.stdout + done.stderr) == (0, "")

    def test_systemd_finds_the_unit_as_little_exposed_as_the_page_says(self) -> None:
        require_tools("systemd-analyze")
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(DOCS / "lognotary.service")],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

        [rated] = re.findall(r"exposure level for lognotary.service: ([\d.]+)", done.stdout)
        [said] = re.findall(r"rates the unit ([\d.]+) of 10", page("operations.md"))
        assert float(rated) <= float(said) <= 1.2

    def test_the_unit_sets_settings_that_exist(self) -> None:
        unit = (DOCS / "lognotary.service").read_text(encoding="utf-8")
        named = set(re.findall(r"\bLOGNOTARY_([A-Z_]+)", unit + page("operations.md")))
        assert named <= {setting.name.upper() for setting in SETTINGS}


class TestLinks:
    @pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
    def test_links_between_pages_lead_somewhere(self, file: Path) -> None:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", file.read_text(encoding="utf-8")):
            assert (file.parent / target).exists(), target

    @pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(ROOT)))
    def test_links_to_sections_lead_to_a_title(self, file: Path) -> None:
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", file.read_text(encoding="utf-8")):
            linked = file.parent / target if target else file
            if linked.suffix == ".md":
                assert anchor in anchors(linked), f"{target}#{anchor}"
