# ruff: noqa
# mypy: ignore-errors
# fmt: off
"""The quick start of version 0.2.1, its code as it was published. Not to be mended: it must run."""

# Step 2

from pylightnix import store_initialize
store_initialize()

# Step 3

from pylightnix import DRef, instantiate_inplace, fetchurl
from pylightnix import RRef, realize_inplace

hello_version = '2.10'

hello_src:DRef = \
  instantiate_inplace(
    fetchurl,
    name='hello-src',
    url=f'http://ftp.gnu.org/gnu/hello/hello-{hello_version}.tar.gz',
    sha256='31e066137a962676e89f69d1b65382de95a7ef7d914b8cb956f41ea72e0f516b')

hello_rref:RRef = realize_inplace(hello_src)
print(hello_rref)

# Step 4

from tempfile import TemporaryDirectory
from shutil import copytree
from os import getcwd, chdir, system
from os.path import join
from pylightnix import Config, mkconfig
from pylightnix import Path, Build, build_cattrs, build_outpath, build_path
from pylightnix import mkdrv, build_wrapper, match_latest, dirrw

def hello_config()->Config:
  name:str = 'hello-bin'
  src:RefPath = [hello_src, f'hello-{hello_version}']
  return mkconfig(locals())

def hello_realize(b:Build)->None:
  c:Any = build_cattrs(b)
  o:Path = build_outpath(b)
  with TemporaryDirectory() as tmp:
    copytree(build_path(b,c.src),join(tmp,'src'))
    dirrw(Path(join(tmp,'src')))
    cwd = getcwd()
    try:
      chdir(join(tmp,'src'))
      system(f'./configure --prefix=/usr')
      system(f'make')
      system(f'make install DESTDIR={o}')
    finally:
      chdir(cwd)

hello_dref:DRef = \
    instantiate_inplace(mkdrv, hello_config(), match_latest(), build_wrapper(hello_realize))

hello_rref:RRef = realize_inplace(hello_dref)

print(hello_rref)

# Step 5

from pylightnix import rref2path

path=rref2path(hello_rref)
system(join(path,'usr/bin/hello'))

# Step 6

from pylightnix import lsref, catref, shellref, rmref, du
