export SEMGREP_URL={{ url }}
export SEMGREP_FAIL_OPEN_URL={{ url }}/fail-open
export SEMGREP_APP_TOKEN=…   # a token with the scope ci
export SEMGREP_REPO_NAME=acme/shop
semgrep ci --oss-only
