# `nix-shell --run 'make check'`: every tool comes from nixpkgs, and the Makefile installs nothing.
{
  pkgs ? import <nixpkgs> { },
}:

let
  # Installed for its dependencies and its metadata; the code that runs is the checkout's, see PYTHONPATH below.
  package = (import ./default.nix { inherit pkgs; }).overridePythonAttrs { doCheck = false; };
  tools =
    ps: with ps; [
      dask
      distributed
      hatchling
      hypothesis
      import-linter
      ipykernel
      ipython
      matplotlib
      msgpack
      mypy
      nbclient
      packaging
      pymongo
      pytest
      pytest-cov
      pytest-randomly
      pytest-xdist
      pyyaml
      rich
      ruff
      setuptools
      starlette
      submitit
      uv
      uvicorn
    ];
in
pkgs.mkShell {
  packages = [
    (pkgs.python3.withPackages (ps: [ package ] ++ tools ps))
    pkgs.git
    pkgs.gnumake
    pkgs.rsync
    pkgs.strace
  ];

  VENV = "";
  shellHook = ''
    export PYTHONPATH=$PWD/src''${PYTHONPATH:+:$PYTHONPATH}
  '';
}
