# As much of nixpkgs as our two files touch: a package is its name, a function shows its argument.
let
  named = names: builtins.listToAttrs (map (name: { inherit name; value = name; }) names);
  python3Packages = named [
    "cloudpickle"
    "dask"
    "distributed"
    "filelock"
    "hatchling"
    "hypothesis"
    "import-linter"
    "ipykernel"
    "ipython"
    "matplotlib"
    "msgpack"
    "mypy"
    "nbclient"
    "pyrsistent"
    "pymongo"
    "pytest"
    "pytest-cov"
    "pytest-randomly"
    "pytest-xdist"
    "pytestCheckHook"
    "pyyaml"
    "rich"
    "ruff"
    "setuptools"
    "submitit"
    "uv"
  ] // {
    buildPythonPackage = arguments: arguments // {
      overridePythonAttrs = change: arguments // change;
    };
  };
in
{
  inherit python3Packages;
  python3.withPackages = choose: choose python3Packages;
  mkShell = arguments: arguments;
  lib = {
    cleanSource = path: path;
    cleanSourceWith = { src, filter }: map (name: filter name "directory") [ "/x/src" "/x/.venv-3.12" ];
    hasPrefix = prefix: text: builtins.substring 0 (builtins.stringLength prefix) text == prefix;
    licenses.asl20 = "Apache-2.0";
  };
} // named [ "git" "gnumake" "rsync" "strace" ]
