"""Which language a file is written in, by its name, in Semgrep's vocabulary of language ids."""

from __future__ import annotations

from pathlib import PurePosixPath

# https://semgrep.dev/docs/supported-languages lists the ids; the extensions are those the engine maps to them.
LANGUAGE_OF_EXTENSION = {
    ".py": "python",
    ".pyi": "python",
    ".js": "javascript",
    ".cjs": "javascript",
    ".mjs": "javascript",
    ".jsx": "javascript",
    ".ts": "typescript",
    ".cts": "typescript",
    ".mts": "typescript",
    ".tsx": "typescript",
    ".vue": "vue",
    ".java": "java",
    ".go": "go",
    ".rb": "ruby",
    ".php": "php",
    ".phtml": "php",
    ".cs": "csharp",
    ".kt": "kotlin",
    ".kts": "kotlin",
    ".c": "c",
    ".h": "c",
    ".cc": "cpp",
    ".cpp": "cpp",
    ".cxx": "cpp",
    ".hh": "cpp",
    ".hpp": "cpp",
    ".rs": "rust",
    ".scala": "scala",
    ".swift": "swift",
    ".sh": "bash",
    ".bash": "bash",
    ".tf": "terraform",
    ".hcl": "terraform",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".html": "html",
    ".htm": "html",
    ".xml": "xml",
    ".sol": "solidity",
    ".lua": "lua",
    ".ex": "elixir",
    ".exs": "elixir",
    ".dart": "dart",
    ".clj": "clojure",
    ".cls": "apex",
    ".r": "r",
    ".jl": "julia",
    ".ml": "ocaml",
    ".cairo": "cairo",
    ".jsonnet": "jsonnet",
    ".ql": "ql",
    ".ps1": "powershell",
    ".proto": "proto",
    ".hack": "hack",
    ".lisp": "lisp",
    ".scm": "scheme",
}

LANGUAGE_OF_NAME = {"Dockerfile": "dockerfile", "Gemfile": "ruby", "Rakefile": "ruby"}

GENERIC = "generic"


def language_of(path: str) -> str:
    """Return the Semgrep language id of a path, `generic` where its name tells nothing."""
    name = PurePosixPath(path)
    if name.name in LANGUAGE_OF_NAME or name.name.startswith("Dockerfile."):
        return LANGUAGE_OF_NAME.get(name.name, "dockerfile")
    return LANGUAGE_OF_EXTENSION.get(name.suffix.lower(), GENERIC)
