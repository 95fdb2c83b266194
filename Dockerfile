# Pagelens, with every model that comes in Python packages. pip chooses the build of torch, which on
# Linux holds CUDA; for a CPU alone an index of CPU builds makes the image several GB smaller:
#   docker build --build-arg TORCH_INDEX=ADDRESS_OF_AN_INDEX .
FROM python:3.11-slim-bookworm

# poppler reads the PDF files that PDFium cannot.
RUN apt-get update \
    && apt-get install -y --no-install-recommends poppler-utils \
    && rm -rf /var/lib/apt/lists/*

# Not root: what it writes into volumes is this user's.
RUN useradd --create-home --uid 1000 pagelens \
    && install -d -o pagelens -g pagelens /library /models

WORKDIR /opt/pagelens
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY ingest ingest
COPY retrieval retrieval
COPY ui ui

ARG TORCH_INDEX=
# The release that pyproject.toml names, first, so that its choice of builds is not pip's.
RUN torch=$(sed -nE 's/^ *"(torch(vision)?==[^"]+)",$/\1/p' pyproject.toml) \
    && pip install --no-cache-dir ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} $torch \
    && pip install --no-cache-dir --editable .

# Checkpoints of the model hub are kept in a volume.
ENV PAGELENS_LIBRARY=/library \
    PAGELENS_HOST=0.0.0.0 \
    HF_HOME=/models

USER pagelens
EXPOSE 7860
ENTRYPOINT ["pagelens"]
CMD ["serve"]
