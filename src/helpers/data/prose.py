"""Ordinary prose, for measurements of a model on text that nobody tuned it for.

>>> TEXTS[0][:24]
'Bread rises because yeas'
"""

#: Written for this; no sentence of it is about the Archive.
TEXTS = (
    "Bread rises because yeast eats sugar and gives off gas. The gas cannot leave the dough, "
    "since flour and water make a net that stretches. If the kitchen is cold, it takes longer, "
    "and many bakers think that the bread tastes better for it.",
    "A river is fast where it is narrow and slow where it is wide. On the outside of a bend it "
    "takes away sand, and on the inside it lays it down again, so that over many years the bend "
    "moves across the valley. Old maps show where it used to run.",
    "Most people learn to ride a bicycle in an afternoon and cannot say afterwards what they "
    "learned. To turn left, one first steers a little to the right. Nobody is told this, and "
    "everybody does it.",
    "The meeting was moved to Thursday because the room was being painted. Please bring the "
    "figures for the last three months, and tell Maria if you cannot come. There will be coffee, "
    "but no lunch.",
    "When the moon stands between the sun and the earth, its shadow falls on a narrow strip of "
    "land. There it is dark for a few minutes in the middle of the day, the birds stop singing, "
    "and one can see the stars.",
    "To change a tire, loosen the nuts while the wheel is still on the ground, then lift the car. "
    "Take off the nuts, put on the other wheel, and tighten them crosswise. Let the car down "
    "before you tighten them for good.",
)
