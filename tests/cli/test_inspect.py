# SPDX-License-Identifier: Apache-2.0
"""`edgernn inspect`: a row a layer, totals, accuracy."""

import json

import pytest


def test_the_table(make_artifact, cli):
    folder = make_artifact(("gru", 5, {}), ("lstm", 4, {}), ("dense", 2, {}))
    outcome = cli("inspect", folder)
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    title, columns, *rows = outcome.stdout.splitlines()
    assert title == "small"
    names = ["layer", "shape", "parameters", "zeros", "MACs a step", "weight bytes", "state bytes"]
    assert [columns.index(name) for name in names] == sorted(columns.index(name) for name in names)
    # Weights 3*5*(3+5), 4*4*(5+4), 2*4; bytes: a weight 1, a bias 4 and a shift 1 a row; state 2 a value.
    macs = {"gru_0": 120, "lstm_1": 144, "dense_2": 8}
    state = {"gru_0": 10, "lstm_1": 16, "dense_2": 0}
    shapes = {"gru_0": "3 -> 5", "lstm_1": "5 -> 4", "dense_2": "4 -> 2"}
    for row, (name, shape) in zip(rows, shapes.items(), strict=False):
        cells = row.split()
        assert cells[:4] == [name, *shape.split()]
        assert (int(cells[6]), int(cells[8])) == (macs[name], state[name])
    total = rows[3].split()
    assert total[0] == "total" and int(total[2]) == 272 and int(total[4]) == 26
    assert "\nTakes 3 channels: f0, f1, f2\n" in outcome.stdout
    assert "\nGives a class for each window, one of 2: c0, c1\n" in outcome.stdout
    assert "\nTrained on windows of 12 steps, 0.24 s at 50 steps a second\n" in outcome.stdout
    assert "\nRuns with a state of zero at every window, as it was trained and measured\n" in outcome.stdout
    lines = [line.split() for line in outcome.stdout.splitlines()]
    first = lines.index(["model", "accuracy", "parameters"])
    table = lines[first : first + 3]
    assert table == [["model", "accuracy", "parameters"], ["float", "0.7500", "182"], ["int8", "0.5000", "-"]]


def test_where_the_figures_are_from(artifact, edit_json, cli):
    manifest = artifact / "manifest.json"
    assert "\nOn the held-out windows\n" in cli("inspect", artifact).stdout
    edit_json(manifest, "data", value={"held_out": False})
    edit_json(manifest, "evaluation", value={"baselines": {"majority": 0.25}})
    text = cli("inspect", artifact).stdout
    assert "\nOn the windows of the conversion, none held out\n" in text
    assert "\nmajority class: accuracy 0.2500\n" in text
    edit_json(manifest, "metrics", value={"float": {"parameters": 182}, "int8": {"parameters": 182}})
    assert "\nForms of the model, which no labels judge\n" in cli("inspect", artifact).stdout


def test_one_channel_and_one_number(make_artifact, cli):
    text = cli("inspect", make_artifact(("gru", 4, {}), ("dense", 1, {}), task="regression", outputs=("kg",))).stdout
    assert "\nGives 1 number for each window: kg\n" in text


@pytest.mark.parametrize("metrics", [None, [], "x", {"float": 3}, {"float": {"accuracy": None}}, {"float": {"a": {}}}])
def test_metrics_of_another_kind(artifact, edit_json, cli, metrics):
    edit_json(artifact / "manifest.json", "metrics", value=metrics)
    edit_json(artifact / "manifest.json", "name", value="[bold]:bug:")
    outcome = cli("inspect", artifact)
    assert outcome.exit_code == 0
    assert outcome.stdout.startswith("[bold]:bug:\n")


def test_json(pristine, cli):
    found = json.loads(cli("inspect", pristine, "--json", "-").stdout)
    assert found["name"] == "small" and found["interface"]["features"] == ["f0", "f1", "f2"]
    assert [layer["name"] for layer in found["layers"]] == ["gru_0", "dense_1"]
    assert found["footprint"]["macs_per_step"] == 130 and found["metrics"]["int8"] == {"accuracy": 0.5}
    assert found["evaluation"] is None


def footprint_rows(outcome):
    """Cells by core, of the table below the heading."""
    lines = outcome.stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("On a microcontroller"))
    assert max(map(len, lines[start:])) <= 80
    return lines[start + 1].split(), {line.split()[0]: line.replace(",", "").split() for line in lines[start + 2 :]}


def test_what_it_adds_to_a_program(pristine, cli):
    columns, rows = footprint_rows(cli("inspect", pristine))
    assert columns == "core flash const. code float state stack instr. MHz".split()
    for core in ("Cortex-M0", "Cortex-M3", "Cortex-M4", "Cortex-M33", "Cortex-M55", "RV32IMAC"):
        flash, constants, code, _, state, _, instructions = map(int, rows[core][1:8])
        assert abs(flash - constants - code) <= 10 and state == 10
        # The small model's rate is 50 steps a second.
        assert float(rows[core][8]) == pytest.approx(instructions * 50 / 1e6, rel=0.1)


def test_a_clock(pristine, cli):
    columns, rows = footprint_rows(cli("inspect", pristine, "--clock", "64 MHz", "--optimize", "s"))
    assert columns == "core flash const. code float state stack instr. ms share".split()
    instructions, milliseconds, share = (float(cell.rstrip("%")) for cell in rows["Cortex-M4"][7:10])
    assert milliseconds == pytest.approx(instructions / 64e3, rel=0.01)
    assert share == pytest.approx(milliseconds * 50 / 10, abs=0.01)


@pytest.mark.parametrize("clock", ["64", "0MHz", "fast", "-1MHz", "1e3Hz", "٣MHz"])
def test_what_is_no_clock(pristine, cli, clock):
    outcome = cli("inspect", pristine, "--clock", clock)
    assert outcome.exit_code == 2 and "is no clock: give a number and its unit, as in 64MHz" in outcome.stderr
