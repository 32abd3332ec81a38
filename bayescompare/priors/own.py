"""Priors of a user's own file: code that the user names, on the command line or in Python, and nothing else does."""

from __future__ import annotations

import hashlib
import linecache
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import isabstract
from pathlib import Path
from types import ModuleType

from bayescompare.errors import PriorError
from bayescompare.priors.base import Prior
from bayescompare.priors.contract import faults_of
from bayescompare.priors.names import importing, origin_of, register_all

__all__ = ["PriorFile", "load_priors"]

# Classes of files that this process has run, by digest: what is compiled for a class goes by the class.
_CLASSES: dict[str, Mapping[str, type[Prior]]] = {}

#: What Python says of dataclasses, and what to do.
_HINTS = {
    "non-frozen dataclass": "Write @dataclass(frozen=True).",
    **{
        f"follows default argument {name!r}": f"Write {name} = ... without a type: it is no number of the prior."
        for name in ("support", "positive", "fractions", "increasing")
    },
}


@dataclass(frozen=True, kw_only=True)
class PriorFile:
    """A file of priors as it was when it was read.

    Parameters
    ----------
    name
        Its name, without the folder.
    text
        The source.
    path
        Where it was read, for messages.
    """

    name: str
    text: str
    path: str = ""

    @cached_property
    def sha256(self) -> str:
        """A hash of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def classes(self) -> Mapping[str, type[Prior]]:
        """The classes by name; the text is run when they are first asked for.

        Raises
        ------
        PriorError
            If the text cannot be run, or what it defines are no priors.
        """
        if self.sha256 not in _CLASSES:
            _CLASSES[self.sha256] = _checked(self, _run(self))
        return _CLASSES[self.sha256]


def load_priors(path: str | Path) -> PriorFile:
    """Run a Python file, and make each class of priors that it defines usable by its name.

    A file that was edited may be loaded again: its classes are then the new ones.

    Parameters
    ----------
    path
        Of the file, which needs no decorators: every subclass of `Prior` that it defines counts.

    Raises
    ------
    PriorError
        If there is no such file, it cannot be run, defines no prior, one that is not complete, or one whose name
        is taken.
    """
    path = Path(path)
    found = PriorFile(name=path.name, text=_read(path), path=str(path))
    register_all(found.classes, origin=str(path), key=str(path.resolve()))
    return found


def file_of(kind: type[Prior]) -> PriorFile | None:
    """Return the file that a class comes from, if it comes from one that `load_priors` has read."""
    return getattr(sys.modules.get(kind.__module__), "__prior_file__", None)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise PriorError(f"There is no file {path} to read priors from.") from None
    except OSError as error:
        raise PriorError(f"Cannot read priors from {path}: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise PriorError(f"{path} is not UTF-8 text (byte {error.start}); priors are read from Python files.") from None


def _run(file: PriorFile) -> ModuleType:
    """Return the module of a text."""
    where = file.path or file.name
    module = ModuleType(f"_bayescompare_priors_{file.sha256}")
    module.__file__ = where
    vars(module)["__prior_file__"] = file
    # dataclasses and pickle look a class's module up by its name, tracebacks the lines of a file
    sys.modules[module.__name__] = module
    linecache.cache[where] = (len(file.text), None, file.text.splitlines(keepends=True), where)
    try:
        with importing():
            exec(compile(file.text, where, "exec", dont_inherit=True), vars(module))
    except BaseException as error:
        del sys.modules[module.__name__]
        if isinstance(error, KeyboardInterrupt):
            raise
        raise PriorError(_said(error, where)) from error
    return module


def _said(error: BaseException, where: str) -> str:
    """Say in a sentence what went wrong as a file was run, and in which line."""
    if isinstance(error, SyntaxError) and error.filename == where:
        return f"{where}, line {error.lineno}: this is not Python: {error.msg}.\n  {(error.text or '').strip()[:100]}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == where]
    place = f"{where}, line {lines[-1]}" if lines else where
    hints = [hint for words, hint in _HINTS.items() if words in str(error)]
    return " ".join([f"{place}: the file cannot be run: {type(error).__name__}: {error}.", *hints])


def _checked(file: PriorFile, module: ModuleType) -> Mapping[str, type[Prior]]:
    """Return the classes that a module defines, each once; one that only serves as a base of others is left out."""
    where = file.path or file.name
    defined = {
        one.__name__: one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Prior) and one.__module__ == module.__name__
    }
    if not defined:
        raise PriorError(f"{where} defines no prior: write a class that begins with class Name(bayescompare.Prior).")
    found = {name: kind for name, kind in defined.items() if not _is_base(kind, defined)}
    faults = [fault for name, kind in found.items() for fault in (*faults_of(kind), *_taken(name))]
    if faults:
        raise PriorError(f"{where}: {faults[0]}" if len(faults) == 1 else "\n  ".join([f"{where}:", *faults]))
    return found


def _is_base(kind: type[Prior], defined: Mapping[str, type[Prior]]) -> bool:
    return isabstract(kind) and any(other is not kind and issubclass(other, kind) for other in defined.values())


def _taken(name: str) -> Iterator[str]:
    """Say whose a name is already."""
    owner = origin_of(name)
    if owner:
        yield f"the name {name} is taken by {owner}; rename the class."
