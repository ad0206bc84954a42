"""Delete old rows. Cron on the database host calls this every night, the on-call engineer now and then by hand.

    python scripts/prune.py reset_tokens "expires_at < strftime('%s', 'now')"
"""

import argparse
import datetime
import sqlite3

DATABASE = "/srv/copperleaf/shop.db"
BACKUP_DIR = "/srv/copperleaf/backup"


def back_up():
    today = datetime.date.today().isoformat()
    source = sqlite3.connect(DATABASE)
    with sqlite3.connect(f"{BACKUP_DIR}/before-prune-{today}.db") as target:
        source.backup(target)
    source.close()


def prune(table, condition):
    connection = sqlite3.connect(DATABASE)
    with connection:
        deleted = connection.execute(f"DELETE FROM {table} WHERE {condition}").rowcount
    return deleted


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table")
    parser.add_argument("condition")
    parser.add_argument("--no-backup", action="store_true")
    arguments = parser.parse_args()
    if not arguments.no_backup:
        back_up()
    print(f"{prune(arguments.table, arguments.condition)} rows deleted from {arguments.table}")


if __name__ == "__main__":
    main()
