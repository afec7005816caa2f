export RECONCILER_ENCRYPTION_KEYS=$(reconcile keys generate old | grep -o 'old:[A-Za-z0-9+/=_-]*' | head -1)
reconcile --apply --yes
reconcile run crm --input '{"name": "Anna", "mail": "anna@example.com"}'
reconcile run crm --input '{"name": "Ben", "mail": "ben@example.com"}'
