# Two stages: the first downloads, verifies and builds; the second holds the result and runs it.
# The base is named by its release line, so that a rebuild takes Debian's and Python's security fixes.
FROM python:3.11-slim-bookworm AS builder

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build

# Every dependency is checked against its locked hash here, once; from now on pip sees only /wheels.
COPY requirements/run.txt requirements/run.txt
RUN pip wheel --quiet --require-hashes --requirement requirements/run.txt --wheel-dir /wheels

# The context is what .dockerignore lets in. Installed by its name alone, the project brings what it runs
# with and leaves what it was built with; the names need no version, /wheels holds the locked one only.
COPY . .
# hadolint ignore=DL3013
RUN pip install --quiet --no-index --find-links /wheels hatchling editables \
    && pip wheel --quiet --no-index --no-deps --no-build-isolation --wheel-dir /wheels . \
    && python -m venv --without-pip /opt/poincon \
    && pip --python /opt/poincon/bin/python install --quiet --no-index --find-links /wheels poincon \
    && pip --python /opt/poincon/bin/python check


FROM python:3.11-slim-bookworm

# pyzbar's wheel carries no libzbar. Not pinned to a patch version: Debian keeps only the last one,
# and a pin would turn each of its security fixes into a failed build.
# The keys' folder is made here because a new named volume takes its owner from the folder it covers.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libzbar0 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 poincon \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin poincon \
    && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/poincon/keys

COPY --from=builder /opt/poincon /opt/poincon

ENV PATH=/opt/poincon/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    POINCON_HOST=0.0.0.0 \
    POINCON_PORT=8080 \
    POINCON_KEYS=/var/lib/poincon/keys

# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/poincon
EXPOSE 8080

# Alive, not ready: a validator that waits for PostgreSQL must not be restarted for it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['POINCON_PORT']}/healthz\", timeout=2)"]

ENTRYPOINT ["poincon"]
CMD ["serve"]
