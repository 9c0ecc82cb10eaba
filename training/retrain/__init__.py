"""`valence retrain NAME`: a new version from what people said of the old one's answers.

plan -> collect -> audit -> train -> evaluate -> gate -> publish -> promote

Each step leaves one JSON file in the job's folder and is not taken again where that file is there.
The folder's name follows from what the job depends on, so a job that was killed is found again and
goes on; `training.retrain.job` says how.

Choices made here:

* The held-out side of the feedback is decided by a hash of the normalised text: an item once held
  out is held out in every later retraining, and texts that count as equal fall on the same side.
* The gate (`training.retrain.gate`) is a pure function of what was measured (`measured`) and of a
  policy (`policy`): it sees no text and no model. Base test and held-out feedback are opened for it
  alone, once training is over; nothing is chosen on them.
* "Better" needs a test that is corrected for the number of data sets; "not worse" needs the lower
  end of an interval above a margin. What so few items cannot show is said, not assumed.
* A job keeps the texts of its feedback only while it runs.
"""
