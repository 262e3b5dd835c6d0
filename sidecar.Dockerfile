# The sidecar in a container of its own: Python and its packages, no Hummingbot. Built and run by docker-compose.yml.
FROM python:3.12-slim
WORKDIR /opt/recovery
COPY requirements/sidecar.lock requirements/sidecar.lock
RUN pip install --no-cache-dir --require-hashes -r requirements/sidecar.lock
COPY shared shared
COPY conf/sidecar.yml conf/sidecar.yml
ENV PYTHONPATH=/opt/recovery PYTHONUNBUFFERED=1
ENTRYPOINT ["python", "-c", "from shared.cli.main import main; main()"]
CMD ["sidecar", "--home", "/home/hummingbot"]
