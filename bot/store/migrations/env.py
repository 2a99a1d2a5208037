"""Entry point of Alembic: runs the revisions in the transaction of bot/store/migrate.py."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
