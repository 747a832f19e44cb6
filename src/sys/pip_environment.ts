/** Environment variables that say where pip takes packages from: proxies, certificates, indexes. */

/** Passed to pip; the launcher lets Kerf read them. */
export const PIP_ENVIRONMENT: readonly string[] = Object.freeze([
  ...["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"],
  ...["PIP_CONFIG_FILE", "PIP_CERT", "PIP_CLIENT_CERT", "PIP_TRUSTED_HOST", "PIP_PROXY"],
  ...["PIP_DEFAULT_TIMEOUT", "PIP_RETRIES", "XDG_CONFIG_HOME", "PYENV_ROOT", "PYENV_VERSION"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"],
  ...["http_proxy", "https_proxy", "all_proxy", "no_proxy"],
  ...["SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"],
]);
