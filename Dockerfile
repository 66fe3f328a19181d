# syntax=docker/dockerfile:1

FROM node:20-bookworm-slim AS dashboard
WORKDIR /build
COPY src/dashboard/package.json src/dashboard/package-lock.json src/dashboard/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY src/dashboard .
RUN npm run build

FROM rust:1.95.0-bookworm AS build
# zlib-ng, which Pingora compiles, is built by cmake. Its version is that of the base image, as everything of Debian.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends cmake \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
COPY --from=dashboard /build/dist src/dashboard/dist
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked \
    && install -D target/release/budgetguard /out/budgetguard

FROM debian:bookworm-slim
# The providers' certificates are checked against the system's trust roots, which have to be today's.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --no-create-home budgetguard \
    && install -d -o budgetguard -g budgetguard -m 0700 /data
COPY --from=build /out/budgetguard /usr/local/bin/budgetguard
# By number: Kubernetes cannot tell from a name that it is not root.
USER 10001:10001
WORKDIR /data
# Without DATABASE_URL the ledger is here too: mount a volume.
ENV HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
VOLUME /data
EXPOSE 3000
# SIGTERM lets open streams end and empties the spool.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["budgetguard", "healthcheck"]
ENTRYPOINT ["budgetguard"]
CMD ["serve"]
