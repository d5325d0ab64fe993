"""Python of a project's own: a file beside ``routes.yaml``, or a module that is installed.

In: a directory and a name as a person writes it. Out: the module, run anew for each load, so that what was changed is seen. It is
the project owner's own code: loading it runs it.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from syncflow.config.files import is_file
from syncflow.config.regular_files import NotRegularError, read_regular


class OwnCodeError(Exception):
    """A module cannot be loaded; the text says why, and ``line`` is where in its file, 0 where that is not known."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


def source_of(directory: Path, name: str) -> Path | None:
    """Return the file that a name stands for: ``functions.py``, ``lib/functions.py`` or ``lib.functions``; None for a module that
    is to be found where Python finds them."""
    path = directory / name if name.endswith(".py") else directory.joinpath(*name.split(".")).with_suffix(".py")
    return path if name.endswith(".py") or is_file(path) else None


def load_module(directory: Path, name: str) -> ModuleType:
    """Run a module and return it. What stands beside the project can be imported by it.

    Raises:
        OwnCodeError: there is none, or it fails.
    """
    path = source_of(directory, name)
    with _importing_from(directory if path is None else path.parent, path):
        try:
            return importlib.import_module(name) if path is None else _run(path)
        except ModuleNotFoundError as error:
            raise OwnCodeError(f"there is no Python module `{error.name}`", _line(error, path)) from None
        except FileNotFoundError as error:
            raise OwnCodeError("there is no such file" if error.filename == str(path) else str(error)) from None
        except (NotRegularError, IsADirectoryError) as error:
            raise OwnCodeError(error.strerror or "it is not a file") from None
        except SyntaxError as error:
            raise OwnCodeError(f"it is not Python: {error.msg}", error.lineno or 0) from None
        except Exception as error:  # noqa: BLE001  # the project's own code may raise whatever it likes
            raise OwnCodeError(f"it fails: {type(error).__name__}: {error}", _line(error, path)) from None


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    code = compile(read_regular(path), str(path), "exec", dont_inherit=True)
    known = sys.modules.get(spec.name)
    sys.modules[spec.name] = module  # dataclasses and pydantic look up their module
    try:
        exec(code, module.__dict__)  # noqa: S102  # the project's own code, which its owner asks to be run
    finally:
        if known is None:
            del sys.modules[spec.name]
        else:
            sys.modules[spec.name] = known
    return module


_beside: dict[Path, dict[str, Path]] = {}
"""By module: what it imported from its own folder when it was last loaded, name → file."""


def files_of(directory: Path, name: str) -> tuple[Path, ...]:
    """Return the file of a module and those that it imported from beside it when it was last loaded; none where Python finds it."""
    path = source_of(directory, name)
    return () if path is None else (path, *sorted(_beside.get(path, {}).values()))


@contextmanager
def _importing_from(directory: Path, path: Path | None) -> Iterator[None]:
    """Let a module import what stands beside it, anew each time: it may have changed, or be another project's of the same name."""
    for name in {name for names in _beside.values() for name in names}:
        sys.modules.pop(name, None)
    importlib.invalidate_caches()
    known, writes = set(sys.modules), sys.dont_write_bytecode
    sys.path.insert(0, str(directory))
    sys.dont_write_bytecode = True  # compiled files are known by whole seconds: a change within one would not be seen
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes
        sys.path.remove(str(directory))
        if path is not None:
            # A load that failed has not imported all that it names: what it had before is watched too.
            _beside[path] = _beside.get(path, {}) | _modules_in(directory, set(sys.modules) - known)


def _modules_in(directory: Path, names: set[str]) -> dict[str, Path]:
    files = ((name, getattr(sys.modules[name], "__file__", None)) for name in names)
    return {name: Path(file) for name, file in files if file and Path(file).is_relative_to(directory)}


def _line(error: Exception, path: Path | None) -> int:
    """Return the last line of the project's own file that led to an error."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return (frames[-1].lineno or 0) if frames else 0
