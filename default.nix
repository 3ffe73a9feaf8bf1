# `nix-build` here; from elsewhere `import ./pylightnix { inherit pkgs; }`. The version is pyproject.toml's.
{
  pkgs ? import <nixpkgs> { },
}:

let
  project = (builtins.fromTOML (builtins.readFile ./pyproject.toml)).project;
in
pkgs.python3Packages.buildPythonPackage {
  pname = project.name;
  inherit (project) version;
  pyproject = true;
  src = pkgs.lib.cleanSourceWith {
    src = pkgs.lib.cleanSource ./.;
    filter = path: _: !(pkgs.lib.hasPrefix ".venv" (baseNameOf path));
  };

  build-system = [ pkgs.python3Packages.hatchling ];
  dependencies = with pkgs.python3Packages; [
    pyrsistent
    filelock
    cloudpickle
  ];

  nativeCheckInputs = with pkgs.python3Packages; [
    pytestCheckHook
    hypothesis
    pytest-randomly
    pytest-xdist
  ];
  pytestFlags = [
    "-m"
    "not slow"
  ];
  pythonImportsCheck = [ "pylightnix" ];

  meta = {
    inherit (project) description;
    license = pkgs.lib.licenses.asl20;
    mainProgram = "pylightnix";
  };
}
