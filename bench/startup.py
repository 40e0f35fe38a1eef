"""Row 4: the import of function_app, compared with the imports of the libraries that the product itself imports.

Both are timed in new processes, without the start of the interpreter, and with all modules compiled before.
"""

import ast
import asyncio
import sys
from pathlib import Path
from statistics import median

from bench.options import Options
from bench.programs import BenchError
from bench.report import Findings, Table, Target
from bench.rounds import turns
from local.processes.child_processes import clean_environment
from local.stack.options import CHECKOUT

_BOUND = 1.3
_PRODUCT = ("function_app", "shared")
_SETTINGS = {
    "ACS_ENDPOINT": "https://contoso.communication.azure.com",
    "AzureWebJobsStorage__accountName": "contoso",
}
_TIMED = """
import time
wall, cpu = time.perf_counter(), time.process_time()
{imports}
print(time.perf_counter() - wall, time.process_time() - cpu)
"""
_LOADED = "import function_app, sys; print(*(name for name in sys.modules if name.split('.')[0] in {product}))"
_APP = "import function_app"


async def starting(options: Options) -> Findings:
    loaded = await _output("-c", _LOADED.format(product=_PRODUCT))
    bare = _library_imports(loaded.split())
    contestants = {"function_app": _APP, "its libraries alone": bare}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
    for imports in contestants.values():  # compiles every module and loads it into the page cache
        await _seconds(imports)
    for _, name in turns(list(contestants), options.rounds):
        found[name].append(await _seconds(contestants[name]))
    walls = {name: median(wall for wall, _ in found[name]) for name in found}
    cpus = {name: median(cpu for _, cpu in found[name]) for name in found}
    ours, libraries = contestants
    ratio = walls[ours] / walls[libraries]
    if options.profile:
        options.console.print(await _slowest(), highlight=False)
    rows: list[tuple[str, ...]] = [
        (name, f"{walls[name] * 1000:.0f}", f"{cpus[name] * 1000:.0f}", f"{walls[name] / walls[libraries]:.2f}")
        for name in contestants
    ]
    what = "import of function_app over that of its libraries"
    return Findings(
        title="Start-up",
        tables=[Table(title="Imports in a fresh process", columns=("", "wall ms", "CPU ms", "ratio"), rows=rows)],
        targets=[Target(what=what, measured=f"{ratio:.2f}", wanted=f"at most {_BOUND:.2f}", met=ratio <= _BOUND)],
    )


def _library_imports(modules: list[str]) -> str:
    """All import statements of other people's libraries in these modules of ours."""
    found = set()
    for module in modules:
        path = CHECKOUT.joinpath(*module.split("."))
        source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        for statement in ast.parse(source.read_text()).body:
            if isinstance(statement, ast.ImportFrom):
                roots = [(statement.module or "").split(".")[0]]
            elif isinstance(statement, ast.Import):
                roots = [name.name.split(".")[0] for name in statement.names]
            else:
                continue
            if all(root not in _PRODUCT and root not in sys.stdlib_module_names for root in roots):
                found.add(ast.unparse(statement))
    return "\n".join(sorted(found))


async def _seconds(imports: str) -> tuple[float, float]:
    wall, cpu = map(float, (await _output("-c", _TIMED.format(imports=imports))).split())
    return wall, cpu


async def _slowest() -> str:
    """The modules with the longest import times of their own."""
    report = await _output("-X", "importtime", "-c", _APP, errors=True)
    lines = [line.removeprefix("import time:").split("|") for line in report.splitlines() if line.count("|") == 2]  # noqa: PLR2004 - self, cumulative, name
    slowest = sorted((int(alone), name.strip()) for alone, _, name in lines[1:])[:-41:-1]
    return "\n".join(f"  {alone / 1000:7.1f} ms  {name}" for alone, name in slowest)


async def _output(*arguments: str, errors: bool = False) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        cwd=CHECKOUT,
        env=clean_environment(_SETTINGS),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await process.communicate()
    if process.returncode:
        raise BenchError(f"{Path(sys.executable).name} {arguments[0]} failed: {stderr.decode()[-2000:]}")
    return (stderr if errors else stdout).decode()
