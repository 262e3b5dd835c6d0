# A Hummingbot image with this project inside: for hummingbot-api, which mounts only scripts/ and controllers/ into its
# bots, so that `shared` must be part of the image.
#
#   docker build --tag hummingbot-recovery .
#   docker build --build-arg HUMMINGBOT_TAG=version-2.17.0 --tag hummingbot-recovery .
#
# Name the image to hummingbot-api when it deploys a bot. No engine was at hand to build it: what is checked is that the
# imports resolve from the folders as they are copied here (tests/integration/test_docker_layout.py).
ARG HUMMINGBOT_TAG=version-2.12.0
FROM hummingbot/hummingbot:${HUMMINGBOT_TAG}

WORKDIR /home/hummingbot
COPY shared/ shared/
COPY controllers/ controllers/
COPY hummingbot_scripts/ scripts/
COPY conf/controllers/ conf/controllers/
COPY conf/scripts/ conf/scripts/
