# SPDX-License-Identifier: Apache-2.0
"""What is not supported is refused by name and place."""

import copy

import pytest

from edgernn.importers import keras

LAST_GRU = "layer 9, 'gru_2' (GRU): "
OTHER_OPTIONS = [
    ("gru_stack", 8, {"activation": "relu"}, LAST_GRU + "activation is 'relu'; supported is 'tanh' only"),
    ("gru_stack", 8, {"recurrent_activation": "hard_sigmoid"}, LAST_GRU + "recurrent_activation is 'hard_sigmoid'; "),
    ("gru_stack", 8, {"recurrent_activation": None}, LAST_GRU + "recurrent_activation is None; "),
    ("gru_stack", 8, {"activation": {"class_name": "function", "config": "swish"}}, LAST_GRU + "activation is 'functi"),
    ("gru_stack", 8, {"go_backwards": True}, LAST_GRU + "go_backwards is True; supported is False only"),
    ("gru_stack", 8, {"return_state": True}, LAST_GRU + "return_state is True; "),
    ("gru_stack", 8, {"time_major": True}, LAST_GRU + "time_major is True; "),
    ("gru_stack", 8, {"return_sequences": 1}, LAST_GRU + "return_sequences is 1; supported is true or false"),
    ("gru_stack", 8, {"units": 5}, LAST_GRU + "it has 5 units, and a recurrent kernel of [4, 12]"),
    ("gru_stack", 8, {"units": True}, LAST_GRU + "units is True; supported is a size from 1 to 65536"),
    ("gru_stack", 8, {"units": 10**30}, LAST_GRU + "units is 1000"),
    ("gru_stack", 8, {"reset_after": True}, LAST_GRU + "its weights have the shapes "),
    ("gru_stack", 8, {"peephole": True}, LAST_GRU + "its option 'peephole' is not known, so nothing says"),
    (
        "gru_stack",
        8,
        {"dtype": {"class_name": "QuantizedDTypePolicy", "config": {}}},
        LAST_GRU + "its dtype is 'Quan",
    ),
    ("gru_stack", 8, {"dtype": "int8_from_float32"}, LAST_GRU + "its dtype is 'int8_from_float32'; give the model "),
    ("gru_stack", 4, {"return_sequences": False}, "layer 7, 'gru_1' (GRU): it takes a value for every step, and the "),
    ("gru_stack", 6, {"use_bias": True}, "layers/gru_1/cell has 2 weights, where 3 are expected"),
    ("gru_stack", 1, {"axis": [1, 2]}, "layer 2, 'normalization' (Normalization): its axis is [1, 2]; supported is -1"),
    (
        "gru_stack",
        1,
        {"mean": 1.0, "variance": -1.0},
        "layer 2, 'normalization' (Normalization): its mean or ",
    ),
    ("gru_stack", 2, {"scale": [1, 2]}, "layer 3, 'rescaling' (Rescaling): it has 2 and 3 numbers for 3 features"),
    ("gru_stack", 2, {"scale": 0.0}, "layer 3, 'rescaling' (Rescaling): a factor is zero, or a number is not finite"),
    ("gru_stack", 2, {"scale": 1e400}, "layer 3, 'rescaling' (Rescaling): a factor is zero, or a number is not finite"),
    ("gru_stack", 2, {"scale": "all"}, "layer 3, 'rescaling' (Rescaling): scale is 'all'; supported is numbers"),
    (
        "gru_stack",
        7,
        {"target_shape": [3, 12]},
        "layer 8, 'reshape' (Reshape): it reshapes to [3, 12]; supported",
    ),
    ("gru_stack", 7, {"target_shape": "4"}, "layer 8, 'reshape' (Reshape): it reshapes to "),
    (
        "gru_stack",
        11,
        {"activation": "gelu"},
        "layer 12, 'dense' (Dense): the activation 'gelu' is not supported; ",
    ),
    ("gru_stack", 11, {"activation": "softmax"}, "layer 13, 'dense_1' (Dense): it stands behind a softmax"),
    ("gru_stack", 11, {"lora_rank": 4}, "layer 12, 'dense' (Dense): its option 'lora_rank' is not known"),
    (
        "gru_stack",
        11,
        {"activation": {"registered_name": "mine>f"}},
        "layer 12, 'dense' (Dense): activation is 'mine",
    ),
    ("cells_per_step", 8, {"axis": 1}, "layer 9, 'softmax' (Softmax): its axis is 1; supported is -1, the last one"),
    ("lstm_functional", 8, {"max_value": 6.0}, "layer 9, 're_lu' (ReLU): max_value is 6.0; supported is None only"),
    (
        "lstm_functional",
        8,
        {"negative_slope": 0.1},
        "layer 9, 're_lu' (ReLU): negative_slope is 0.1; supported is 0 only",
    ),
    (
        "bidirectional_sum",
        1,
        {"merge_mode": "mul"},
        "layer 2, 'bidirectional' (Bidirectional): merge_mode is 'mul'; ",
    ),
    (
        "bidirectional_sum",
        1,
        {"merge_mode": None},
        "layer 2, 'bidirectional' (Bidirectional): merge_mode is None; ",
    ),
]


@pytest.mark.parametrize(("model", "place", "options", "expected"), OTHER_OPTIONS)
def test_an_option(folder, rewritten, reason, model, place, options, expected):
    def change(config):
        config["config"]["layers"][place]["config"].update(options)
        return config

    assert expected in reason(rewritten(folder / f"{model}.keras", change))


LAYERS = [
    ("Conv1D", "layer 4, 'odd' (Conv1D) is not supported: there are GRU, LSTM, SimpleRNN, RNN, Bidirectional, Dense"),
    ("Lambda", "layer 4, 'odd' (Lambda) is not supported: it holds code, which is never run; use layers of Keras"),
    ("GlobalAveragePooling1D", "give the last recurrent layer return_sequences=False in its place"),
    ("CuDNNLSTM", "layer 4, 'odd' (CuDNNLSTM) is not supported: load the model and save it with an LSTM layer"),
    ("BatchNormalization", "layer 4, 'odd' (BatchNormalization) is not supported: fold it"),
    ("Flatten", "layer 4, 'odd' (Flatten): it makes one row of all steps"),
    ("GRUCell", "layer 4, 'odd' (GRUCell) is not supported: there are GRU"),
    ("Softmax", "layer 4, 'odd' (Softmax): it is a function's call, not a layer; use the layer Softmax"),
    ("ReLU", "layer 4, 'odd' (ReLU): it is a function's call, not a layer; use the layer ReLU"),
    ("Activation", "layer 4, 'odd' (Activation): 'mine' is supported directly behind a dense layer only"),
    ("My>Layer", "layer 4 is of the class 'My>Layer', whose code is not in the file; use Keras' own"),
    ("Bad\nLayer\x1b[31m", "layer 4 is of the class 'Bad\\nLayer\\x1b[31m', whose code is not in the file"),
]


@pytest.mark.parametrize(("kind", "expected"), LAYERS)
def test_a_layer(folder, rewritten, reason, kind, expected):
    def change(config):
        options = {"name": "odd", "activation": "mine"} if kind == "Activation" else {"name": "odd"}
        config["config"]["layers"][3].update({"class_name": kind, "config": options})
        return config

    assert expected in reason(rewritten(folder / "gru_stack.keras", change))
    assert expected in reason(rewritten(folder / "gru_stack.h5", change))


@pytest.mark.parametrize(
    "place",
    [{"module": "mine.layers"}, {"registered_name": "mine>GRU"}, {"module": None, "registered_name": "GRU"}],
)
def test_a_class_of_somebodys_own_that_is_called_like_keras(folder, rewritten, reason, place):
    def change(config):
        config["config"]["layers"][4].update(place)
        return config

    message = reason(rewritten(folder / "gru_stack.keras", change))
    assert "layer 5 is of the class " in message and "whose code is not in the file" in message


def test_a_model_of_somebodys_own(folder, rewritten, reason):
    def change(config):
        return {**config, "class_name": "MyModel", "module": "keras", "registered_name": None}

    assert "the model is of the class 'MyModel', whose code is not in the file" in reason(
        rewritten(folder / "gru_stack.keras", change)
    )


def two_ways(options):
    """Changes both directions of a bidirectional layer, or the backward one only."""

    def change(config):
        layer = config["config"]["layers"][1]["config"]
        for way, values in options.items():
            layer[way]["config"].update(values)
        return config

    return change


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"backward_layer": {"go_backwards": False}}, "go_backwards is False; supported is True only"),
        ({"layer": {"go_backwards": True}}, "go_backwards is True; supported is False only"),
        ({"layer": {"stateful": True}}, "stateful is True; supported is False only"),
        ({"backward_layer": {"return_sequences": True}}, "its two directions are not of one kind"),
        (
            {"layer": {"return_sequences": True}, "backward_layer": {"return_sequences": True}},
            "in both directions only",
        ),
    ],
)
def test_directions(folder, rewritten, reason, options, expected):
    message = reason(rewritten(folder / "bidirectional_sum.keras", two_ways(options)))
    assert message.startswith("layer 2, 'bidirectional' (Bidirectional): ") and expected in message


def test_directions_of_several_cells(folder, rewritten, reason):
    def change(config):
        wrapped = config["config"]["layers"][1]["config"]["layer"]["config"]
        wrapped["cell"] = {"class_name": "StackedRNNCells", "config": {"cells": [wrapped["cell"], wrapped["cell"]]}}
        return config

    message = reason(rewritten(folder / "bidirectional_average.h5", change))
    assert "the layer 'bidirectional' has 6 weights, where 9 are expected" in message


def shape(*sizes):
    def change(config):
        config["config"]["layers"][0]["config"]["batch_shape"] = list(sizes)
        return config

    return change


@pytest.mark.parametrize(
    "sizes", [(None, 3), (None, 9, 3, 1), (None, 9, -3), (None, 0, 3), (None, 9, 2.5), (None, "a", 3)]
)
def test_a_shape_of_the_input(folder, rewritten, reason, sizes):
    message = reason(rewritten(folder / "stateful.keras", shape(*sizes)))
    assert message.startswith("the model's input has the shape [None") and message.endswith("[batch, steps, features]")


def test_another_number_of_features(folder, rewritten, reason):
    message = reason(rewritten(folder / "stateful.keras", shape(None, 9, 5)))
    assert message.startswith("layer 2, 'gru' (GRU): its weights have the shapes {'kernel': (3, 12)")


def test_no_shape_of_the_input(folder, rewritten, reason):
    def change(config):
        del config["config"]["build_input_shape"], config["config"]["layers"][0]["config"]["batch_shape"]
        return config

    assert "does not say the shape of its input" in reason(rewritten(folder / "stateful.h5", change))


def graph_change(change):
    def changed(config):
        change(config["config"])
        return config

    return changed


def add(config, name, source):
    layer = copy.deepcopy(config["layers"][-1])
    layer["name"] = layer["config"]["name"] = name
    layer["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = source
    config["layers"].append(layer)


def call(config, place, **keywords):
    config["layers"][place]["inbound_nodes"][0]["kwargs"].update(keywords)


def tensor(name):
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, 0, 0]}}


GRAPHS = [
    (lambda c: add(c, "branch", "dense"), "the layer 'branch' is a branch; only a chain of layers from one input"),
    (lambda c: c.update(output_layers=[["head", 0, 0], ["dense", 0, 0]]), "the model has 2 outputs; only a chain"),
    (lambda c: c.update(input_layers=[]), "the model has 0 inputs; only a chain"),
    (lambda c: c.update(output_layers=["nowhere", 0, 0]), "a layer takes values from 'nowhere', which is none of"),
    (lambda c: c.update(output_layers=[7, 0, 0]), "a layer takes values from 7, which is none of the model's"),
    (lambda c: c.update(output_layers=["head", 0, 1]), "the layer 'head' has more than one result; only a chain"),
    (lambda c: add(c, "head", "dense"), "two layers of the model have the same name"),
    (lambda c: c["layers"][-1]["inbound_nodes"].append({}), "the layer 'head' is used 2 times; only a chain"),
    (lambda c: c["layers"][-1].update(inbound_nodes=[]), "the layer 'head' is used 0 times; only a chain"),
    (lambda c: c["layers"][-1].update(inbound_nodes=[[3]]), "the calls of the model's layers can't be read"),
    (
        lambda c: call(c, 4, initial_state=[tensor("dense")]),
        "the layer 'lstm' is called with 'initial_state'; only",
    ),
    (lambda c: call(c, 4, training=True), "the layer 'lstm' is called with 'training'; only its input is supported"),
    (lambda c: call(c, 4, mask=tensor("lstm_1")), "a mask is made from 'lstm_1'; only the mask of a Masking"),
    (lambda c: call(c, 4, mask=tensor("masking")), "a mask is made from 'masking'; only the mask of a Masking layer"),
    (lambda c: c["layers"][-1]["inbound_nodes"][0]["args"].append(tensor("lstm")), "the layer 'head' takes 2 values"),
    (lambda c: c["layers"][6]["inbound_nodes"][0]["args"][1].__setitem__(1, 0), "it takes a part of the values; supp"),
]


@pytest.mark.parametrize(("change", "expected"), GRAPHS)
def test_a_graph(folder, rewritten, reason, change, expected):
    assert expected in reason(rewritten(folder / "lstm_functional.keras", graph_change(change)))


def test_a_circle(folder, rewritten, reason):
    def change(config):
        layer = next(layer for layer in config["layers"] if layer["name"] == "lstm_1")
        layer["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = "head"

    assert "leads back to itself" in reason(rewritten(folder / "lstm_functional.keras", graph_change(change)))


def test_a_mask_in_a_circle(folder, rewritten, reason):
    def change(config):
        layer = next(layer for layer in config["layers"] if layer["class_name"] == "NotEqual")
        layer["inbound_nodes"][0]["args"][0]["config"]["keras_history"][0] = "any"

    assert "makes a mask" in reason(rewritten(folder / "lstm_functional.keras", graph_change(change)))


def test_a_mask_behind_a_layer(folder, rewritten, reason):
    def change(config):
        layers = config["config"]["layers"]
        layers[5] = {"class_name": "Masking", "config": {"name": "late", "mask_value": 0.0}}
        return config

    message = reason(rewritten(folder / "gru_stack.keras", change))
    assert message == (
        "layer 6, 'late' (Masking): it masks what a layer computes; one in front of the first layer is supported"
    )


def test_no_layers(folder, rewritten, reason):
    def change(config):
        config["config"]["layers"] = config["config"]["layers"][:1]
        return config

    assert "the model has no layers with weights" in reason(rewritten(folder / "stateful.keras", change))


def test_what_a_wrapper_wraps(folder, rewritten, reason):
    def change(config):
        config["config"]["layers"][5]["config"]["layer"]["class_name"] = "GRU"
        return config

    message = reason(rewritten(folder / "cells_per_step.keras", change))
    assert message.startswith("layer 6, 'time_distributed' (TimeDistributed): it wraps 'GRU'; supported are Dense, ")


def test_a_very_old_file_has_its_layers_in_place_of_the_model(folder, rewritten):
    def change(config):
        layers = config["config"]["layers"]
        layers[1]["config"]["batch_input_shape"] = [1, 9, 3]
        return {"class_name": "Sequential", "config": layers[1:]}

    model = keras.read(rewritten(folder / "stateful.h5", change))
    assert [layer.kind for layer in model.layers] == ["gru", "dense"]
