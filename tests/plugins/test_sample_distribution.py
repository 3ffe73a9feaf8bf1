"""The seed's three examples in a distribution, built and installed each way there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin_projects import Environment, mkenvironment, mkfiles

PLUGINS = {
    "src/shop/__init__.py": "",
    "src/shop/config.py": 'SERVICES = ["s3", "dynamodb"]\n',
    "src/shop/services/__init__.py": "",
    "src/shop/services/s3.py": """
        class Service:
            def start(self):
                return "s3 started"
        """,
    "src/shop/services/dynamodb.py": """
        class Service:
            def start(self):
                return "dynamodb started"
        """,
    # One class per plugin.
    "src/shop/cli.py": """
        from pylightnix.plugins import Plugin


        class CliPlugin(Plugin):
            namespace = "my.plugins.cli"

            def load(self, cli):
                self.attach(cli)

            def attach(self, cli):
                raise NotImplementedError


        class MyCliPlugin(CliPlugin):
            name = "my"

            def attach(self, cli):
                cli.append("my commands")
        """,
    # Re-usable plugins.
    "src/shop/reusable.py": """
        import importlib

        from pylightnix.plugins import Plugin, PluginFactory, PluginSpec

        from . import config


        class ServicePlugin(Plugin):
            def __init__(self, service_name):
                self.service_name = service_name
                self.service = None

            def should_load(self):
                return self.service_name in config.SERVICES

            def load(self):
                module = importlib.import_module("shop.services.%s" % self.service_name)
                self.service = module.Service()


        def service_plugin_factory(name) -> PluginFactory:
            def create():
                return ServicePlugin(name)

            return create


        s3 = PluginSpec("localstack.plugins.services", "s3", service_plugin_factory("s3"))

        dynamodb = PluginSpec(
            "localstack.plugins.services", "dynamodb", service_plugin_factory("dynamodb")
        )

        off = PluginSpec("localstack.plugins.services", "off", service_plugin_factory("off"))
        """,
    # Functions as plugins.
    "src/shop/configurators.py": """
        from pylightnix.plugins import plugin


        @plugin(namespace="localstack.configurators")
        def configure_logging(runtime):
            runtime.append("logging")


        @plugin(namespace="localstack.configurators")
        def configure_somethingelse(runtime):
            runtime.append("something else")
        """,
    "src/shop/main.py": "def main():\n    pass\n",
}
SETUP_PY = {
    "pyproject.toml": """
        [build-system]
        requires = ["setuptools", "pylightnix"]
        build-backend = "setuptools.build_meta"
        """,
    "setup.py": """
        from setuptools import find_packages, setup

        from pylightnix.plugins.setuptools import load_entry_points

        setup(
            name="shop",
            version="1.0",
            packages=find_packages("src"),
            package_dir={"": "src"},
            entry_points=load_entry_points(
                "src",
                exclude=("tests", "tests.*"),
                merge={"console_scripts": ["shop = shop.main:main"]},
            ),
        )
        """,
}
PROJECT = """
    [project]
    name = "shop"
    version = "1.0"
    dynamic = ["entry-points"]

    [project.scripts]
    shop = "shop.main:main"
    """
SETUPTOOLS = {
    "pyproject.toml": f"""
    [build-system]
    requires = ["setuptools", "pylightnix"]
    build-backend = "setuptools.build_meta"
    {PROJECT}
    [tool.pylightnix.plugins]
    file = "plugins.ini"
    """
}
HATCHLING = {
    "pyproject.toml": f"""
    [build-system]
    requires = ["hatchling", "pylightnix"]
    build-backend = "hatchling.build"
    {PROJECT}
    [tool.hatch.build]
    dev-mode-dirs = ["src"]

    [tool.hatch.build.targets.wheel]
    packages = ["src/shop"]

    [tool.hatch.metadata.hooks.pylightnix-plugins]
    file = "plugins.ini"
    """
}
BUILDS = {"setup.py": SETUP_PY, "setuptools": SETUPTOOLS, "hatchling": HATCHLING}

USE = """
import json
from importlib.metadata import entry_points
from pylightnix.plugins import FunctionPlugin, PluginDisabled, PluginManager

cli, runtime = [], []
clis = PluginManager("my.plugins.cli", load_args=(cli,))
services = PluginManager("localstack.plugins.services")
try:
    services.load("off")
except PluginDisabled as error:
    off = str(error)
everything = {
    "cli": [type(plugin).__name__ for plugin in clis.load_all()],
    "attached": cli,
    "by name": services.load("s3").service.start(),
    "all": [plugin.service.start() for plugin in services.load_all()],
    "names": services.list_names(),
    "off": off,
    "functions": [type(c) is FunctionPlugin and c(runtime) is None
                  for c in PluginManager("localstack.configurators").load_all()],
    "runtime": runtime,
    "same": PluginManager("my.plugins.cli", load_args=(cli,)).load("my").name,
    "scripts": [e.value for e in entry_points(group="console_scripts", name="shop")],
    "dist": services.get_container("s3").distribution.metadata["Name"],
}
print(json.dumps(everything))
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    yield mkenvironment(tmp_path_factory.mktemp("sample") / "env")


@pytest.mark.slow
@pytest.mark.parametrize("editable", [False, True], ids=["wheel", "editable"])
@pytest.mark.parametrize("build", BUILDS)
def test_the_seeds_examples_work_however_they_are_built(
    build: str, editable: bool, environment: Environment, tmp_path: Path
) -> None:
    project = mkfiles(tmp_path / "shop", {**PLUGINS, **BUILDS[build]})
    if build != "setup.py":
        environment.cli("plugins", "entrypoints", project)
        assert environment.cli("plugins", "check", project).stdout == ""
    environment.install(project, editable=editable)
    try:
        found = json.loads(environment.run("-c", USE).stdout)
        listed = environment.cli("plugins", "list", "--namespace", "my.plugins.cli").stdout
    finally:
        environment.pip("uninstall", "-q", "-y", "shop")
    assert found == {
        "cli": ["MyCliPlugin"],
        "attached": ["my commands", "my commands"],
        "by name": "s3 started",
        "all": ["dynamodb started", "s3 started"],
        "names": ["dynamodb", "off", "s3"],
        "off": "the plugin 'off' of localstack.plugins.services is switched off: its should_load() "
        "says no. What it needs is for its distribution to tell",
        "functions": [True, True],
        "runtime": ["logging", "something else"],
        "same": "my",
        "scripts": ["shop.main:main"],
        "dist": "shop",
    }
    assert listed.split() == ["my.plugins.cli", "my", "shop.cli:MyCliPlugin", "shop", "1.0"]


BROKEN = {
    "no plugins.ini": (SETUPTOOLS, "write it with `pylightnix plugins entrypoints`"),
    "no plugins.ini, hatchling": (HATCHLING, "write it with `pylightnix plugins entrypoints`"),
    "not dynamic": (
        {"pyproject.toml": SETUPTOOLS["pyproject.toml"].replace('dynamic = ["entry-points"]', "")},
        'add `dynamic = ["entry-points"]`',
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", BROKEN)
def test_a_build_that_would_lose_the_plugins_fails_and_says_what_to_do(
    case: str, environment: Environment, tmp_path: Path
) -> None:
    files, said = BROKEN[case]
    project = mkfiles(tmp_path / "shop", {**PLUGINS, **files})
    if case == "not dynamic":
        environment.cli("plugins", "entrypoints", project)
    offline = ("--no-build-isolation", "--no-index", "--no-deps")
    done = environment.run("-m", "pip", "wheel", *offline, project, check=False)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr


@pytest.mark.slow
def test_a_project_that_does_not_speak_of_us_is_built_as_ever(
    environment: Environment, tmp_path: Path
) -> None:
    strange = {"pyproject.toml": '[project]\nname = "other"\nversion = "1"\n', "other.py": ""}
    environment.install(mkfiles(tmp_path / "other", strange))
    try:
        (info,) = environment.site.glob("other-1.dist-info")
        assert not (info / "entry_points.txt").exists()
    finally:
        environment.pip("uninstall", "-q", "-y", "other")
