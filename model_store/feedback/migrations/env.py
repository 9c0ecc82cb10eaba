"""Run by Alembic: the migrations, on the connection and in the transaction of `migrate`."""

from alembic import context

from model_store.feedback.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,  # SQLite can, whatever Alembic thinks of it
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
