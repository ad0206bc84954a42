curl --fail-with-body {{ url }}/api/v1/deployments/{{ organization.slug }}/scans \
  --header "Authorization: Bearer $SEMGREP_APP_TOKEN" \
  --form report=@report.sarif \
  --form project=acme/shop \
  --form branch="$(git branch --show-current)" \
  --form commit="$(git rev-parse HEAD)"
