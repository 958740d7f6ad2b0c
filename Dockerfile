# The image, for those who build with Docker: `npm run image` needs no daemon, and its images can be repeated (docs/image.md).
# The built server, koffi with its native library, and the pinned Node.js runtime out of the lockfile.
#   docker build -t slicedns:0.1.0 .
# It takes CoreDNS's arguments: a Deployment of CoreDNS runs it when only the image is replaced.
FROM node:22-trixie-slim AS build
# The runtime needs libatomic, which neither of these base images has.
RUN apt-get update && apt-get install -y --no-install-recommends libatomic1 libcap2-bin
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY build.ts run.js tsconfig.json ./
COPY src src
COPY image image
COPY LICENSE ./
# The build starts what it has built, to ship its compiled code.
COPY examples examples
RUN npm run -s build && node run.js image/lay-out.ts /image && cp --parents /usr/lib/*-linux-gnu/libatomic.so.1* /image
# Not root, and yet port 53: file capabilities of the runtime, of which the pod must allow this one.
RUN setcap cap_net_bind_service=+ep /image/usr/local/bin/node

FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=build /image /
USER 65532:65532
WORKDIR /
# One arena of the C library for all threads: src/launch-flags.ts.
ENV MALLOC_ARENA_MAX=1
EXPOSE 53/udp 53/tcp 9153/tcp
ENTRYPOINT ["/usr/local/bin/node", "--disable-sigusr1", "--max-semi-space-size=2", "--max-old-space-size-percentage=50", "/slicedns/dist/slicedns.js"]
