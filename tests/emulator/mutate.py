#!/usr/bin/env python3
"""Puts the mistakes of a table into the kernels, one by one, and expects the tests to fail.

    tests/emulator/mutate.py build [--only TEXT] [--table FILE] [--seeds N]

The build folder is one of Ninja in which the programs are up to date; it is not changed, nor are
the sources: of what depends on the mistaken file, changed copies are compiled and linked beside the
rest. Exit status 1 where a mistake survives or a line of the table does not fit the sources.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = {"": "numeral_emulator_tests", "race": "numeral_emulator_race_tests",
            "asan": "numeral_emulator_asan_tests"}
TIMEOUT_SECONDS = 300  # a mistake may be a loop without end


class Mutation:
    def __init__(self, number, fields):
        self.number = number
        self.file, self.text, self.replacement, target = fields
        words = target.split(maxsplit=1)
        self.variant = words[0] if len(words) == 2 else ""
        self.tag = words[-1]

    def __str__(self):
        first_line = self.text.strip().split("\n")[0]
        return f"{self.number:4} {self.file}: {first_line[:50]}"


def read_table(path):
    """Yields mutations; complains of lines that are none."""
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = re.split(r" ?(?<!\\)\| ?", line)
        if len(fields) != 4:
            sys.exit(f"{path}:{number}: {len(fields)} fields instead of 4")
        fields = [field.replace("\\|", "|").replace("\\n", "\n") for field in fields]
        mutation = Mutation(number, fields)
        if mutation.variant not in PROGRAMS:
            sys.exit(f"{path}:{number}: no program '{mutation.variant}'")
        yield mutation


def output_of(*command, cwd):
    return subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True).stdout


class Program:
    """One test program: how its objects are compiled and linked."""

    def __init__(self, build, name):
        self.build, self.name = build, name
        commands = output_of("ninja", "-t", "commands", name, cwd=build).splitlines()
        self.link = next(c for c in reversed(commands) if f" -o {name} " in c)
        self.compile = {}
        for command in commands:
            found = re.search(r" -o (\S+\.o) -c (\S+)", command)
            if found and f" {found.group(1)} " in self.link:
                self.compile[found.group(1)] = (command, found.group(2))

    def objects_with(self, file):
        """The objects that are compiled from the file, directly or as a header."""
        path = str(ROOT / file)
        found = []
        for block in output_of("ninja", "-t", "deps", *self.compile, cwd=self.build).split("\n\n"):
            name, *dependencies = block.splitlines() or [""]
            if any((self.build / d.strip()).resolve() == pathlib.Path(path) for d in dependencies):
                found.append(name.split(":")[0])
        return found

    def build_with(self, mutation, text, folder):
        """Compiles and links with the changed text; the path of the program."""
        changed = folder / "include" / mutation.file
        changed.parent.mkdir(parents=True)
        changed.write_text(text)
        link = self.link
        objects = self.objects_with(mutation.file)
        if not objects:
            raise RuntimeError(f"{self.name} has no object with {mutation.file}")
        for number, name in enumerate(objects):
            command, source = self.compile[name]
            is_source = pathlib.Path(source).resolve() == ROOT / mutation.file
            target = str(folder / f"{number}.o")
            command = command.replace(f" -o {name} -c {source}",
                                      f" -I{folder / 'include'} -o {target}"
                                      f" -c {changed if is_source else source}")
            command = command.replace(f"-MF {name}.d", f"-MF {target}.d")
            if not is_source:  # the changed header must be found before the right one
                command = command.replace(" -I", f" -I{folder / 'include'} -I", 1)
            run_shell(command, self.build)
            link = re.sub(rf"(?<=\s){re.escape(name)}(?=\s)", target, link)
        program = folder / "program"
        link = link.replace(f" -o {self.name} ", f" -o {program} ")
        run_shell(link, self.build)
        return program


def run_shell(command, cwd):
    done = subprocess.run(command, shell=True, cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command}\n{done.stdout}{done.stderr}")


def fails(program, tag, seed, cwd):
    """Whether a test with the tag fails under the seed."""
    environment = dict(os.environ, NUMERAL_EMULATOR_SEED=str(seed))
    try:
        done = subprocess.run([str(program), tag, "--abort"], cwd=cwd, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    if b"No test" in done.stdout:
        raise RuntimeError(f"no test has the tag {tag}")
    return done.returncode != 0


def judge(mutation, programs, build, seeds):
    """One word for the table, and why."""
    name = PROGRAMS[mutation.variant]
    source = (ROOT / mutation.file).read_text()
    count = source.count(mutation.text)
    if count != 1:
        return "UNFIT", f"the text is {count} times in the file"
    if name not in programs:
        programs[name] = Program(build, name)
    with tempfile.TemporaryDirectory() as folder:
        changed = source.replace(mutation.text, mutation.replacement)
        program = programs[name].build_with(mutation, changed, pathlib.Path(folder))
        for seed in range(1, seeds + 1):
            if fails(program, mutation.tag, seed, build):
                return "caught", f"seed {seed}"
    return "SURVIVED", f"{seeds} seeds"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--only", default="", help="lines of the table that contain this text")
    parser.add_argument("--table", type=pathlib.Path,
                        default=pathlib.Path(__file__).with_name("mutations.txt"))
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    build = arguments.build.resolve()

    mutations = [m for m in read_table(arguments.table)
                 if arguments.only in f"{m.file} {m.text} {m.tag}"]
    for name, tag in sorted({(PROGRAMS[m.variant], m.tag) for m in mutations}):
        if fails(build / name, tag, 1, build):
            sys.exit(f"{name} {tag} fails without any mistake")
    programs, bad = {}, 0
    for mutation in mutations:
        try:
            verdict, why = judge(mutation, programs, build, arguments.seeds)
        except RuntimeError as error:
            verdict, why = "ERROR", str(error)
        bad += verdict != "caught"
        print(f"{verdict:9} {mutation} ({why})", flush=True)
    print(f"{len(mutations) - bad} of {len(mutations)} caught")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
