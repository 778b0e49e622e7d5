"""Puts a line into site-packages that makes `path` importable, behind everything else."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

NAME = "fastfork_gunicorn.pth"


class BuildWithPath(build_py):
    """Copies the .pth file beside the package."""

    def run(self):
        super().run()
        self.copy_file(str(Path(__file__).with_name(NAME)), str(Path(self.build_lib, NAME)))

    def get_outputs(self, include_bytecode=True):
        return [*super().get_outputs(include_bytecode), str(Path(self.build_lib, NAME))]


setup(cmdclass={"build_py": BuildWithPath})
