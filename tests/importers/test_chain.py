# SPDX-License-Identifier: Apache-2.0
"""What a chain makes of the layers that it is given, and what it refuses."""

import numpy as np
import pytest

from edgernn import cells
from edgernn.errors import ModelError
from edgernn.importers.chain import MAX_PARAMETERS, Chain
from edgernn.model import FloatModel, Interface

FEATURES, UNITS, STEPS = 3, 4, 7
TOLERANCE = 1e-6
"""float32 rounds at 6e-8; a few sums of up to eight products of numbers below one."""
RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, STEPS, FEATURES)).astype(np.float32)


def weights(kind, options, inputs=FEATURES, units=UNITS):
    shapes = cells.get(kind).shapes(inputs, units, **options)
    return {name: RNG.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


def add(chain, kind="gru", sequences=False, inputs=FEATURES, units=UNITS, **changed):
    options = dict(cells.get(kind).OPTIONS)
    given = {**weights(kind, options, inputs, units), **changed}
    chain.recurrent(kind, given, options, sequences=sequences, where="layer 1")


def dense(chain, inputs=UNITS, units=2):
    chain.dense(RNG.normal(size=(inputs, units)), np.ones(units), where="layer 2")


def compute(imported, x):
    """Outputs of every step of windows of samples, normalized as the model says."""
    ways = 1 + imported.bidirectional
    mean, std = (imported.mean, imported.std) if imported.mean is not None else (np.zeros(FEATURES), np.ones(FEATURES))
    units = imported.layers[-1].units
    interface = Interface(
        task="regression",
        per_step=imported.per_step,
        features=tuple(map(str, range(ways * FEATURES))),
        outputs=tuple(map(str, range(units))),
        mean=np.tile(mean, ways).astype(np.float32),
        std=np.tile(std, ways).astype(np.float32),
        target_mean=np.zeros(units, np.float32),
        target_std=np.ones(units, np.float32),
        window=STEPS,
        rate=0.0,
        bidirectional=imported.bidirectional,
    )
    return FloatModel(interface, imported.layers).forward(interface.steps(x))


def one_way(kind, given, options, x):
    """The last output of a recurrent layer."""
    chain = Chain(FEATURES)
    chain.recurrent(kind, given, options, sequences=False, where="")
    return compute(chain.finish(), x)[:, -1]


@pytest.mark.parametrize("merge", ["concat", "sum", "ave"])
def test_both_directions_are_one_layer(recurrent, merge):
    kind, options = recurrent
    ways = weights(kind, options), weights(kind, options)
    kernel = RNG.normal(size=(UNITS * (2 if merge == "concat" else 1), 3)).astype(np.float32)
    chain = Chain(FEATURES)
    chain.bidirectional(kind, *ways, options, merge=merge, sequences=False, where="")
    assert chain.size == len(kernel) and not chain.sequence
    chain.dense(kernel, np.zeros(3, np.float32), where="")
    model = chain.finish()
    a, b = one_way(kind, ways[0], options, X), one_way(kind, ways[1], options, X[:, ::-1])
    merged = {"concat": np.concatenate([a, b], axis=1), "sum": a + b, "ave": (a + b) / 2}[merge]
    np.testing.assert_allclose(compute(model, X)[:, -1], merged @ kernel, rtol=0, atol=4 * TOLERANCE)
    assert (model.bidirectional, model.layers[0].units, model.layers[0].inputs) == (True, 2 * UNITS, 2 * FEATURES)


@pytest.mark.parametrize("ways", [1, 2])
def test_what_is_done_to_the_inputs(ways):
    """Two functions after each other, one of which turns a feature round."""
    factor, offset = np.array([2.0, -0.5, 0.1]), np.array([1.0, 3.0, -2.0])
    options = dict(cells.get("gru").OPTIONS)
    given = [weights("gru", options) for _ in range(ways)]

    def model(chain):
        if ways == 1:
            chain.recurrent("gru", *given, options, sequences=False, where="")
        else:
            chain.bidirectional("gru", *given, options, merge="concat", sequences=False, where="")
        return chain.finish()

    chain = Chain(FEATURES)
    chain.affine(factor, offset, "")
    chain.affine(-3, 0.5, "")
    scaled, plain = model(chain), model(Chain(FEATURES))
    assert (scaled.std > 0).all() and scaled.mean.dtype == scaled.std.dtype == np.float32
    assert plain.mean is None and plain.std is None
    wanted = compute(plain, (X * factor + offset) * -3 + 0.5)
    np.testing.assert_allclose(compute(scaled, X)[:, -1], wanted[:, -1], rtol=0, atol=10 * TOLERANCE)


def test_the_order_of_layers_notes_and_the_end():
    chain = Chain(FEATURES)
    assert (chain.size, chain.sequence, chain.empty) == (FEATURES, True, True)
    chain.note("first")
    add(chain, "lstm", sequences=True)
    assert (chain.size, chain.sequence, chain.empty) == (UNITS, True, False)
    add(chain, "rnn", inputs=UNITS, units=6, sequences=True)
    chain.last_step("")
    dense(chain, 6, 5)
    chain.activation("relu", where="")
    dense(chain, 5)
    chain.activation("linear", where="")
    chain.activation("softmax", where="")
    chain.note("second")
    model = chain.finish()
    assert [layer.kind for layer in model.layers] == ["lstm", "rnn", "dense", "dense"]
    assert [layer.options.get("activation") for layer in model.layers] == [None, None, "relu", "linear"]
    assert (model.features, model.per_step, model.bidirectional, model.softmax) == (FEATURES, False, False, True)
    assert model.notes == ("first", "second")


def test_an_output_for_every_step():
    chain = Chain(FEATURES)
    add(chain, sequences=True)
    dense(chain)
    assert chain.finish().per_step


def refused(call, *arguments, **options):
    with pytest.raises(ModelError) as caught:
        call(*arguments, **options)
    message = str(caught.value)
    assert message.isprintable() and not message.endswith(".")
    return message


def both(chain, merge="concat", sequences=False, change=None):
    options = dict(cells.get("lstm").OPTIONS)
    ways = weights("lstm", options), {**weights("lstm", options), **(change or {})}
    chain.bidirectional("lstm", *ways, options, merge=merge, sequences=sequences, where="layer 1")


@pytest.mark.parametrize("features", [0, -1, 2**16 + 1])
def test_a_number_of_features(features):
    assert f"takes {features} features a step" in refused(Chain, features)


@pytest.mark.parametrize(
    ("factor", "offset", "expected"),
    [
        ([1, 2], 0, "layer 1: it has 2 and 1 numbers for 3 features"),
        (0, 0, "a factor is zero, or a number is not finite"),
        ([1, 2, np.inf], 0, "a factor is zero, or a number is not finite"),
        (1, np.nan, "a factor is zero, or a number is not finite"),
        (1e-300, 0, "layer 1: what it does to the inputs is beyond what float32 holds"),
        (1e300, 0, "layer 1: what it does to the inputs is beyond what float32 holds"),
        (1e-30, 1e30, "layer 1: what it does to the inputs is beyond what float32 holds"),
    ],
)
def test_what_can_not_be_done_to_the_inputs(factor, offset, expected):
    assert expected in refused(Chain(FEATURES).affine, factor, offset, "layer 1")


def test_inputs_scaled_again_and_again():
    chain = Chain(FEATURES)
    with pytest.raises(ModelError, match="beyond what float32 holds"):
        for _ in range(20):
            chain.affine(1e30, 0, "layer 1")


def test_what_stands_behind_what():
    chain = Chain(FEATURES)
    add(chain)
    assert "layer 9: it changes scales behind the first layer" in refused(chain.affine, 2, 0, "layer 9")
    assert "layer 1: it takes a value for every step" in refused(add, chain, inputs=UNITS)
    assert "layer 9: it takes a value for every step" in refused(chain.last_step, "layer 9")
    assert "in both directions is supported as the first layer only" in refused(both, chain)
    assert "'relu' is supported directly behind a dense layer only" in refused(chain.activation, "relu", where="")
    dense(chain)
    assert "the activation 'gelu' is not supported; there are linear, relu" in refused(
        chain.activation, "gelu", where=""
    )
    chain.activation("tanh", where="")
    assert "'relu' is supported directly behind a dense layer only" in refused(chain.activation, "relu", where="")
    dense(chain, 2)
    chain.activation("softmax", where="")
    assert "'tanh' is supported directly behind" in refused(chain.activation, "tanh", where="")
    assert "layer 2: it stands behind a softmax" in refused(dense, chain, 2)


def test_nothing_with_weights():
    assert "the model has no layers with weights" in refused(Chain(FEATURES).finish)


def test_directions():
    assert "layer 1: it gives a value for every step, from steps that are still to come" in refused(
        both, Chain(FEATURES), sequences=True
    )
    assert "merged by 'mul'; there are concat, sum and ave" in refused(both, Chain(FEATURES), merge="mul")
    other = {"kernel": np.zeros((FEATURES, 4), np.float32)}
    assert "layer 1: its weights have the shapes " in refused(both, Chain(FEATURES), change=other)
    chain = Chain(FEATURES)
    both(chain, merge="sum")
    assert "layer 1: it takes a value for every step" in refused(add, chain, inputs=UNITS)
    assert "merged by 'sum', which needs a dense layer behind it" in refused(chain.finish)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"recurrent_kernel": np.zeros(())}, "its recurrent kernel has the shape [], where [units, gates] is expected"),
        ({"recurrent_kernel": np.zeros((0, 0))}, "its recurrent kernel has the shape [0, 0]"),
        ({"recurrent_kernel": np.zeros((5, 15))}, "its weights have the shapes {'kernel': (3, 12)"),
        ({"bias": np.zeros(12)}, "its weights have the shapes "),
        ({"more": np.zeros(12)}, "its weights have the shapes "),
        ({"bias": np.full((2, 12), np.nan)}, "bias holds numbers that are not finite; train the model again"),
        ({"kernel": np.full((3, 12), 1e39)}, "kernel holds numbers that are not finite"),
    ],
)
def test_weights_of_a_recurrent_layer(changed, expected):
    message = refused(add, Chain(FEATURES), **changed)
    assert message.startswith("layer 1: ") and expected in message


@pytest.mark.parametrize("shape", [(), (4,), (3, 2), (4, 0), (4, 2, 1)])
def test_a_matrix_of_a_dense_layer(shape):
    chain = Chain(FEATURES)
    add(chain)
    assert f"layer 2: its matrix is {list(shape)} where 4 values come in" in refused(
        chain.dense, np.zeros(shape), np.zeros(shape[1:]), where="layer 2"
    )


def test_too_many_weights():
    """Without taking memory for them: all of these are one number."""
    chain = Chain(2**16)
    kernel = np.broadcast_to(np.float32(0), (2**16, MAX_PARAMETERS // 2**16))
    assert f"layer 2: with it the model has more than {MAX_PARAMETERS} weights" in refused(
        chain.dense, kernel, np.zeros(kernel.shape[1]), where="layer 2"
    )


@pytest.mark.parametrize(("declared", "steps"), [(None, None), (50, 50), (1, None)])
def test_the_steps_that_a_file_declares(declared, steps):
    """A single one is a stream's."""
    chain = Chain(FEATURES, declared)
    chain.dense(np.ones((FEATURES, 2)), np.zeros(2), where="layer 1")
    assert chain.finish().steps == steps
