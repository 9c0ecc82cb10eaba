"""The table of judgements."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "judgements",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("prediction", sa.String(32), nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("task", sa.String(64), nullable=False),
        sa.Column("text_digest", sa.String(64), nullable=False),
        sa.Column("predicted", sa.Text),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("right", sa.Boolean, nullable=False),
        sa.Column("label", sa.Text),
        sa.Column("spans", sa.Text),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("text_until", moment),
        sa.Column("received", moment, nullable=False),
        sa.Column("decided", moment),
        sa.Column("actor", sa.Text, nullable=False),
        sa.UniqueConstraint("prediction", "fingerprint", name="one_row_a_judgement"),
    )
    accepted = sa.text("status = 'accepted'")
    op.create_index(
        "one_accepted_a_prediction",
        "judgements",
        ["prediction"],
        unique=True,
        sqlite_where=accepted,
        postgresql_where=accepted,
    )
    op.create_index("judgements_by_text", "judgements", ["model", "text_digest"])
    op.create_index("judgements_by_time", "judgements", ["model", "status", "received"])
    op.create_index("judgements_by_text_until", "judgements", ["text_until"])
