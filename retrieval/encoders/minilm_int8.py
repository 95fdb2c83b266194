"""all-MiniLM-L6-v2 as an ONNX graph whose linear layers multiply in 8-bit integers.

On a CPU with AVX2 alone the multiplications of a window take 15 ms, in float32 31 ms. Weights have
one scale an output channel, inputs one scale a token: a per-tensor scale, the usual choice (ONNX
Runtime's and torch's dynamic quantisation), is set by the few largest tokens of a run, and would
make a vector depend on its run.
Scales a token are those of LLM.int8() (Dettmers et al. 2022) and ZeroQuant (Yao et al. 2022).

The graph is written node by node as it shall run, and built from the float32 weights at load.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

DIM = 384
N_LAYERS = 6
N_HEADS = 12
LAYER_NORM_EPSILON = 1e-12

# Seven bits: AVX2 adds two products of an unsigned and a signed byte in 16 bits, and
# 2 * 255 * 64 still fits; with eight bits the sum would be cut off, and differ between processors.
WEIGHT_STEPS = 63
SIGNED_STEPS = 127
UNSIGNED_STEPS = 255

# GELU is above -0.16997 everywhere: shifted by this, its output is positive and has all 255 steps.
GELU_SHIFT = np.float32(0.17)

OPSET = 17
IR_VERSION = 9
CONTRIB = "com.microsoft"


def open_session(weights: Path, basis: Floats) -> Any:
    """Builds the graph from a safetensors file and opens it for runs of one thread each.

    Args:
        weights: the file.
        basis: `[384, dim]`, the axes that vectors keep.

    Returns:
        An `onnxruntime.InferenceSession`: int64 `ids` `[batch, length]`, CLS and SEP included and
        no padding, and int64 `places` `[n]` in them, to float32 `hidden` `[batch, n, 384]` of
        these places, and `reduced` `[batch, n, dim]`. Several threads may run it.
    """
    import onnxruntime
    from safetensors.numpy import load_file

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # Its fusions undo what is written here: of Add and LayerNormalization they make one node
    # that takes five times as long.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(
        build_graph(load_file(weights), basis), options, providers=["CPUExecutionProvider"]
    )


def build_graph(weights: Mapping[str, Floats], basis: Floats) -> bytes:
    """The serialised ONNX model of BERT's embeddings and layers, without the pooler.

    Args:
        weights: float32, by their names in transformers' `BertModel`.
        basis: see `open_session`.
    """
    from onnx import TensorProto, helper

    graph = _Graph(weights)
    hidden = graph.embed("ids")
    for layer in range(N_LAYERS):
        # Tokens whose output nobody reads, overlaps and punctuation, still are read by the others.
        places = "places" if layer == N_LAYERS - 1 else None
        hidden = graph.attend(hidden, f"encoder.layer.{layer}.attention.", places)
        hidden = graph.feed_forward(hidden, f"encoder.layer.{layer}.")
    graph.nodes.append(helper.make_node("Identity", [hidden], ["hidden"]))
    # Here, as numpy would start threads of its own that stand in the way of those that run this.
    axes = graph.constant(basis)
    graph.nodes.append(helper.make_node("MatMul", [hidden, axes], ["reduced"]))
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "length"])
    places = helper.make_tensor_value_info("places", TensorProto.INT64, ["n"])
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "n", dim])
        for name, dim in (("hidden", DIM), ("reduced", basis.shape[1]))
    ]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "minilm-int8", [ids, places], outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)],
        ir_version=IR_VERSION,
    )
    serialised: bytes = model.SerializeToString()
    return serialised


def quantise_weight(weight: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Rounds a weight `[n_out, n_in]` to int8 steps and one scale a row: weight ~ steps * scale."""
    scale = np.abs(weight).max(axis=1) / np.float32(WEIGHT_STEPS)
    steps = np.round(weight / scale[:, None])
    return steps.astype(np.int8), scale.astype(np.float32)


@dataclass(slots=True)
class _Graph:
    """Nodes in the order they run; every method adds some and returns its output's name."""

    weights: Mapping[str, Floats]
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def add(self, operator: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        return self._add(operator, inputs, 1, domain, attributes)[0]

    def _add(
        self,
        operator: str,
        inputs: tuple[str, ...],
        n_outputs: int,
        domain: str,
        attributes: dict[str, Any],
    ) -> list[str]:
        from onnx import helper

        outputs = [f"{operator}_{len(self.nodes)}_{i}" for i in range(n_outputs)]
        self.nodes.append(helper.make_node(operator, inputs, outputs, domain=domain, **attributes))
        return outputs

    def constant(self, value: NDArray[Any] | np.generic) -> str:
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        array = np.ascontiguousarray(value) if value.ndim else np.asarray(value)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def embed(self, ids: str) -> str:
        """Word, position and segment embeddings; there is one segment."""
        words = self.weights["embeddings.word_embeddings.weight"]
        segment = self.weights["embeddings.token_type_embeddings.weight"][0]
        positions = self.constant(self.weights["embeddings.position_embeddings.weight"])
        length = self.add("Shape", ids, start=1, end=2)
        start = self.constant(np.zeros(1, dtype=np.int64))
        return self.normalise(
            self.add(
                "Add",
                self.add("Gather", self.constant(words + segment), ids),
                self.add("Slice", positions, start, length),
            ),
            "embeddings.LayerNorm",
        )

    def attend(self, hidden: str, name: str, places: str | None) -> str:
        """Self-attention, queries, keys and values from one multiplication; of `places` alone."""
        parts = [f"{name}self.{part}" for part in ("query", "key", "value")]
        weight = np.concatenate([self.weights[f"{part}.weight"] for part in parts])
        bias = np.concatenate([self.weights[f"{part}.bias"] for part in parts])
        sizes = self.constant(np.full(3, DIM, dtype=np.int64))
        queries, keys, values = self._add(
            "Split", (self.multiply_signed(hidden, weight), sizes), 3, "", {"axis": 2}
        )
        if places is not None:
            queries = self.add("Gather", queries, places, axis=1)
            hidden = self.add("Gather", hidden, places, axis=1)
        context = self.add(
            "MultiHeadAttention",
            queries,
            keys,
            values,
            self.constant(bias),
            domain=CONTRIB,
            num_heads=N_HEADS,
        )
        product = self.multiply_signed(context, self.weights[f"{name}output.dense.weight"])
        output = self.add("Add", product, self.constant(self.weights[f"{name}output.dense.bias"]))
        return self.normalise(self.add("Add", output, hidden), f"{name}output.LayerNorm")

    def feed_forward(self, hidden: str, name: str) -> str:
        """384 -> 1536, GELU, 1536 -> 384."""
        product = self.multiply_signed(hidden, self.weights[f"{name}intermediate.dense.weight"])
        bias = self.constant(self.weights[f"{name}intermediate.dense.bias"])
        inner = self.add("BiasGelu", product, bias, domain=CONTRIB)
        product, correction = self.multiply_gelu(inner, self.weights[f"{name}output.dense.weight"])
        bias = self.constant(self.weights[f"{name}output.dense.bias"] + correction)
        output = self.add("Add", product, bias)
        return self.normalise(self.add("Add", output, hidden), f"{name}output.LayerNorm")

    def normalise(self, hidden: str, name: str) -> str:
        gain, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return self.add(
            "LayerNormalization",
            hidden,
            self.constant(gain),
            self.constant(bias),
            epsilon=LAYER_NORM_EPSILON,
        )

    def multiply_signed(self, rows: str, weight: Floats) -> str:
        """`rows @ weight.T`, each row in 127 steps to either side of 0."""
        largest = self.add("ReduceMax", self.add("Abs", rows), axes=[-1], keepdims=1)
        return self._multiply(rows, largest, SIGNED_STEPS, zero=128, weight=quantise_weight(weight))

    def multiply_gelu(self, rows: str, weight: Floats) -> tuple[str, Floats]:
        """`rows @ weight.T` for rows above -`GELU_SHIFT`, each in 255 steps.

        Returns:
            The product of the shifted rows, and what must be added to undo the shift, `[n_out]`.
        """
        shifted = self.add("Add", rows, self.constant(GELU_SHIFT))
        largest = self.add("ReduceMax", shifted, axes=[-1], keepdims=1)
        steps, scale = quantise_weight(weight)
        product = self._multiply(shifted, largest, UNSIGNED_STEPS, zero=0, weight=(steps, scale))
        sums = steps.sum(axis=1, dtype=np.int64).astype(np.float32)
        return product, -GELU_SHIFT * scale * sums

    def _multiply(
        self,
        rows: str,
        largest: str,
        n_steps: int,
        zero: int,
        weight: tuple[NDArray[np.int8], Floats],
    ) -> str:
        """Scales rows to steps, multiplies in integers, and scales the product back."""
        steps, scale = weight
        one = self.constant(np.float32(1.0))
        zero_point = self.constant(np.uint8(zero))
        to_steps = self.add("Div", self.constant(np.float32(n_steps)), largest)
        quantised = self.add("QuantizeLinear", self.add("Mul", rows, to_steps), one, zero_point)
        product = self.add(
            "MatMulIntegerToFloat",
            quantised,
            self.constant(steps.T),
            one,
            self.constant(scale),
            zero_point,
            domain=CONTRIB,
        )
        from_steps = self.add("Mul", largest, self.constant(np.float32(1.0 / n_steps)))
        return self.add("Mul", product, from_steps)
