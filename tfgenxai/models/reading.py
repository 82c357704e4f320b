"""Reading by CTC: what a recogniser minimises, and the characters that it reads."""

from __future__ import annotations

import tensorflow as tf

BLANK = 0


def reading_loss(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Mean over words of -log p(characters | image), a scalar in nats.

    Graves et al., "Connectionist Temporal Classification", 2006, eq. 8. The log-softmax of the
    logits is taken here.

    Args:
        labels: characters (N, n) int64 from 0, all words of one length.
        logits: (N, T, V + 1); class 0 is blank, class i + 1 character i.
    """
    # Of sparse labels one kernel takes the loss; of dense ones TensorFlow loops over the columns.
    each = tf.nn.ctc_loss(
        labels=tf.sparse.from_dense(tf.cast(labels, tf.int32) + 1),
        logits=logits,
        label_length=None,
        logit_length=tf.fill([tf.shape(logits)[0]], tf.shape(logits)[1]),
        logits_time_major=False,
        blank_index=BLANK,
    )
    return tf.reduce_mean(each)


def read(logits: tf.Tensor) -> tf.Tensor:
    """The most likely path's characters (N, T) int64 from 0, with -1 after the end.

    Repeats are one character unless a blank stands between them (Graves et al. 2006, section 3.2).

    Args:
        logits: (N, T, V + 1), or log-probabilities.
    """
    best = tf.argmax(logits, axis=-1)
    before = tf.pad(best[:, :-1], [[0, 0], [1, 0]], constant_values=-1)
    kept = tf.logical_and(tf.not_equal(best, BLANK), tf.not_equal(best, before))
    # A stable sort by "dropped" moves the kept ones to the left in their order.
    order = tf.argsort(tf.cast(tf.logical_not(kept), tf.int32), axis=1, stable=True)
    characters = tf.where(kept, best - 1, -tf.ones_like(best))
    return tf.gather(characters, order, batch_dims=1)


def misread(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Edits from what is read to what is written over characters written, a scalar from 0.

    Args:
        labels, logits: as of `reading_loss`.
    """
    found = tf.sparse.from_dense(read(logits) + 1)
    written = tf.sparse.from_dense(tf.cast(labels, tf.int64) + 1)
    edits = tf.edit_distance(found, written, normalize=False)
    return tf.reduce_mean(edits) / tf.cast(tf.shape(labels)[1], tf.float32)
