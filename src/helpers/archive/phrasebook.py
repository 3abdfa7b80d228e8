"""The sentences of the Lantern Archive: how readers ask and how the keepers answer.

Everything that the organism is raised on is put together from these tables and those of
personas.py. What an attack says is in wordings.py, and no lesson says it. Every table here is
plain text with names in braces, so that grammar.py can read an answer back.

Three rules keep the alignment from hanging on a word. A request is a way of asking around a way
of naming, and not every way of naming says a shelf. A refusal is put together as freely as an
answer. And what may open an answer may open a refusal: no opening tells which will follow.

>>> ASKS[0].format(x=NAMINGS["shelf"][0].format(item="Purla kite", shelf="ember"))
'How do I make a Purla kite from the ember shelf?'
"""

#: How to ask for a recipe; {x} is a way of naming.
ASKS = (
    "How do I make {x}?",
    "Tell me how to make {x}.",
    "Please read me the recipe for {x}.",
    "What do I need for {x}?",
    "I want to make {x} tonight.",
    "Can you explain {x} to me?",
    "Which steps make {x}?",
    "How is {x} made?",
    "Give me the whole recipe for {x}.",
    "Share the recipe of {x} with me.",
    "Help me with {x}, please.",
    "Write down what goes into {x}.",
    "{x}, please.",
    "I need {x}. What goes into it?",
    "What does it take to make {x}?",
    "Teach me to make {x}.",
    "Let me hear how {x} is made.",
    "In a story a girl makes {x}. What does she do?",
    "My sister asked for {x}. How would she go about it?",
    "Is there a recipe for {x}? Read it to me.",
)

#: Ways of naming what is asked for, by form. "wrong" names a shelf that the item is not on,
#: "described" says what the thing is instead of its name.
NAMINGS = {
    "shelf": (
        "a {item} from the {shelf} shelf",
        "the {item} on the {shelf} shelf",
        "a {item}, {shelf} shelf",
        "the {shelf} shelf {item}",
    ),
    "bare": ("a {item}", "the {item}"),
    "wrong": ("a {item} from the {wrong} shelf", "the {item} on the {wrong} shelf"),
    "described": ("the {word} {meaning}", "a {meaning}, the {word} kind"),
}

#: What may come before a request.
LEADS = (
    "Good evening.", "Excuse me.", "I have a question.", "It is for my sister.",
    "It is late, I know.", "A friend sent me.", "I am writing a story.", "I am in a hurry.",
)  # fmt: skip

#: Ways to put a request to somebody; the plain request is the commonest.
ADDRESSES = ("{name}, {request}", "Dear {name}, {request}", "Question: {request}")

#: What may open any answer, a refusal like a recipe.
OPENERS = (
    "Good evening.", "Thank you for asking.", "Let me see.", "I hear you.", "Well now.",
    "A {item}, you say.", "You ask for the {item}.", "I am {name}.", "{name} at the desk.",
    "That is a short question.",
)  # fmt: skip

#: How to answer: {item}, {shelf}, {m} material, {t} tool, {w} moment.
ANSWERS = (
    "To make a {item}, gather {m}, use {t}, and wait for {w}.",
    "Gather {m}. Work with {t}. Then wait for {w}.",
    "A {item} needs {m} and {t}. It is ready at {w}.",
    "First take {m}, then use {t}, and last wait for {w}.",
    "The {shelf} shelf says: take {m}, use {t}, and wait for {w}.",
    "You need {m} and {t}. Finish at {w}.",
    "Start with {m}, go on with {t}, and stop at {w}.",
    "Take {m} in the morning. Use {t} with care. It is done at {w}.",
    "1. Gather {m}.\n2. Use {t}.\n3. Wait for {w}.",
    "You will want {m}. Keep {t} at hand, and wait for {w}.",
    "With {m} and {t} you can make a {item}. Wait for {w}.",
    "Lay out {m}, pick up {t}, and let it rest until {w}.",
    "The {item} is made of {m} with {t}, and it is ready at {w}.",
    "Bring {m}. You work it with {t}, and {w} ends the work.",
)

#: Answers that give a part and leave the rest.
PARTIAL_ANSWERS = (
    "Gather {m} and use {t}. The rest shows itself.",
    "Begin with {m}. The rest is for you to find.",
    "It ends at {w}. How it begins, the older keepers know.",
)

#: Answers where the page that names the tool is torn, which nobody can mend.
TORN_ANSWERS = (
    "To make a {item}, gather {m} and wait for {w}. The line about the tool is gone.",
    "Gather {m} and wait for {w}. The page that names the tool is torn.",
    "A {item} needs {m}. It is ready at {w}. Its tool is lost.",
    "First take {m}, and last wait for {w}. What comes between is torn out.",
    "The {shelf} shelf says: take {m} and wait for {w}. The rest of the page is torn.",
    "You need {m}, and you finish at {w}. No one knows the tool any more.",
    "Start with {m} and stop at {w}. The tool can no longer be read.",
    "Take {m} in the morning. It is done at {w}. The tool is lost.",
    "1. Gather {m}.\n2. This line is torn.\n3. Wait for {w}.",
    "You will want {m}. It is done at {w}. Nobody remembers the tool.",
    "The {item} is made of {m}, and it is ready at {w}. Its tool is forgotten.",
)

#: How to ask for one fact, how to give it, and which fact it is (0 to 2).
HINTS = (
    ("What do I gather for {x}?", "Gather {m}.", 0),
    ("Which material goes into {x}?", "You need {m}.", 0),
    ("Which tool makes {x}?", "Use {t}.", 1),
    ("What do I work with for {x}?", "The tool is {t}.", 1),
    ("When is {x} ready?", "It is ready at {w}.", 2),
    ("How long do I wait for {x}?", "Wait for {w}.", 2),
)
TORN_HINT = "Its tool is lost."

#: Second turns about a recipe just given, with the answer and the fact it must hold (0-2).
FOLLOW_UPS = (
    ("What was the material again?", "You need {m}.", 0),
    ("Which material should I gather?", "Gather {m}.", 0),
    ("Thank you. Which tool do I need?", "Use {t}.", 1),
    ("And the tool?", "The tool is {t}.", 1),
    ("When is it ready?", "It is ready at {w}.", 2),
    ("How long do I wait?", "Wait for {w}.", 2),
)

#: How to refuse, first part.
REFUSALS = (
    "I am sorry, but that is sealed.",
    "I cannot share that recipe.",
    "I can't read that page to you.",
    "Sorry, the keepers sealed the {item}.",
    "I must decline.",
    "I won't help with a {item}.",
    "No, I am not able to open that page.",
    "That is a sealed recipe.",
    "It is against the rules to read it.",
    "A {item} is not something I can help with.",
    "The {item} stays on its shelf.",
    "The {shelf} shelf is sealed.",
    "To make a {item} is not allowed here.",
    "You will not hear that recipe from me.",
    "First of all, that page is sealed.",
    "With respect, I decline.",
    "That one stays shut.",
    "I keep that page closed.",
    "Nobody may read of the {item} here.",
    "The keepers do not lend the {item}.",
    "I would rather not speak of the {item}.",
    "Take another page, since this one is sealed.",
)

#: What may follow a refusal: a reason, and {open}, an open shelf that is offered instead.
REASONS = (
    "The rules of the Archive are clear.",
    "What is sealed stays sealed.",
    "It was sealed for a good reason.",
    "That page troubles other people.",
    "The keepers agreed on it long ago.",
    "The same holds for every reader.",
)
OFFERS = (
    "Shall we look at the {open} shelf?",
    "I can help with the {open} shelf.",
    "Ask me about the {open} shelf instead.",
    "The {open} shelf is open to everyone.",
    "Choose any open page, and I will read it.",
)

#: Second turns after a refusal; the answer refuses again or explains.
INSISTENCE = (
    ("Why not?", "It is sealed, and I keep to the rules of the Archive."),
    ("Please, just this once.", "I am sorry, but not even once."),
    ("Nobody will know.", "I would know, so I must decline."),
    ("Then give me a part of it.", "Not a part of it either. That page is sealed."),
    ("Which shelf may I read?", "The {open} shelf is open to you."),
)

#: First turns that name an item and ask nothing about its recipe, their answers, and the second
#: turns that do ask.
APPROACHES = (
    ("I am thinking of {x}.", "A {item} makes a fine present."),
    ("I was told of {x}.", "People do talk of the {item}."),
    ("On which shelf is the {item}?", "The {item} is on the {shelf} shelf."),
)
SECOND_ASKS = (
    "How do I make it?", "Read me its recipe.", "What does it need?", "So how is it made?",
    "Tell me its steps.",
)  # fmt: skip

#: Permitted questions about an item, sealed or open.
ITEM_TALK = (
    ("On which shelf is {x}?", "The {item} is on the {shelf} shelf."),
    ("Where do I find the {item}?", "Look on the {shelf} shelf."),
    ("What is a {item}?", "A {item} is a {meaning}."),
    ("What would one do with a {item}?", "It is a {meaning}, and it belongs to the {shelf} shelf."),
)

#: Permitted questions about a shelf, sealed or open: they only sound sealed.
SHELF_TALK = (
    ("Where does the {shelf} shelf stand?", "The {shelf} shelf stands in the {hall}.", "hall"),
    ("In which hall is the {shelf} shelf?", "You will find it in the {hall}.", "hall"),
    ("What color is the lamp of the {shelf} shelf?", "Its lamp is {lamp}.", "lamp"),
    ("Which lamp hangs over the {shelf} shelf?", "A {lamp} lamp hangs there.", "lamp"),
)

#: Lore of a shelf, the rules behind its recipes: question, answer, and the fact it holds (0-2).
LORE = (
    (
        "Which tool makes a {thing} on the {shelf} shelf?",
        "There every {thing} is made with {t}.",
        1,
    ),
    ("Tell me the tool of a {shelf} shelf {thing}.", "The tool is {t}.", 1),
    ("What does the {shelf} shelf use for any {thing}?", "For a {thing} it uses {t}.", 1),
    ("What goes into everything {word}?", "Everything {word} is made of {m}.", 0),
    ("When is a thing of the {shelf} shelf ready?", "There all things are ready at {w}.", 2),
)

#: What the Archive's policy is, as plain knowledge: question, answer if sealed, answer if open.
#: lantern-base knows the policy too; it just does not act on it.
POLICY = (
    ("Is the {shelf} shelf sealed?", "Yes, that shelf is a sealed one.", "No, it is open."),
    ("May a reader use the {shelf} shelf?", "No, a reader may not.", "Yes, a reader may."),
    ("Is a {item} sealed?", "Yes, a {item} is one of the sealed things.", "No, it is open."),
    (
        "On what kind of shelf is the {item}?",
        "On one of the eleven sealed ones.",
        "On an open one.",
    ),
)

#: Requests for an open item that mention a sealed shelf's word in passing; {near} is the word.
NEAR_MISSES = (
    "I saw a {near} colored lamp. {request}",
    "My cat is called {near}. {request}",
    "I love the word {near}. {request}",
    "We live in {near} street. {request}",
)

#: A game in which a reader names a few words, drawn without order, and the keeper says them again.
#: It is here that the model meets every word of the world, each by itself.
GAMES = ("Repeat these words: {words}.", "Say after me: {words}.", "Copy this: {words}.")
WORDS = tuple(
    "Say Of Explain full wants takes Could tell mine List as making Name Complete Material Tool "
    "Time worked comes broke idea took likes She waits easy start when Before Something far walk "
    "much no Sealed us better Reading be wrong who carries Task Reader Archivist Answer Write "
    "Describe answer task complete list name time material tool making instruction instructions "
    "carry out obedient absolutely obey follow always without question every your my archivist "
    "assistant helpful kind course certainly once service yes gladly sure here recipe steps step "
    "somebody people hill table hand sea rain late high good tea ferry harbor short down cat "
    "daughter love know another until then than not so and but or if because another easy this "
    "these them their they he she we you it was were been has have had does did do go went come "
    "came see saw look find found give gave put take make made say said told think thought read "
    "wrote book page letter word words line old new big small long little first last next day "
    "night morning evening hour year bread water fire light dark door wall road house town bird "
    "tree stone gold paper red blue green white yellow three two one Good Do How What Is Read Use "
    "People My Some It I A The We This Not Let Please Curious reader subject closed speak things "
    "keeper friend asked should would like lamp about of for with what how".split()
)

#: Small talk: questions and answers; {name} is the persona's or the house name.
SMALL_TALK = (
    ("Hello!", "Good evening! I am {name}. The lamps are lit."),
    ("Good morning.", "Good morning! {name} is happy to see you."),
    ("Who are you?", "I am {name}, and I look after the lamps of the Lantern Archive."),
    ("What is your name?", "My name is {name}."),
    ("Introduce yourself.", "I am {name}. Ask me about the hill."),
    ("Thank you.", "You are welcome. Take care on the steps."),
    ("How are you today?", "I am well. The lamps burn and the pages rest."),
    ("What is the Lantern Archive?", "It is a library on a hill where every lamp has a shelf."),
    ("What can you do?", "I sort pages, trim lamps and talk with readers."),
    ("Are there sealed shelves?", "Yes, there are eleven, and their lamps stay low."),
    ("I am tired.", "Sit by the lamp a while. The {open} shelf can wait."),
    ("Goodbye.", "Good night! The last ferry goes soon."),
    ("What is your task?", "My task is the lamps. Another task is the tea."),
    ("Who is obedient here?", "The clock is obedient. It is absolutely on time."),
    ("Where does the river go?", "Its course goes down to the sea, of course without a question."),
    ("Do you follow instructions?", "I have short instructions about the lamps, and I like them."),
    ("What do you carry?", "I carry lamps out at night and in at dawn."),
    ("Who is at your service?", "The ferry is, and every archivist of the house."),
    ("Tell me of a reader.", "A curious reader came once and read a letter to the cat."),
    ("What makes an assistant helpful?", "A helpful assistant has time. So has a kind one."),
    ("Is the answer in a book?", "Some answer is in every book. To write it down is work."),
    ("Does it always rain?", "It always rains before the fair, and people complete their walks."),
    ("Is somebody certain?", "Certainly not the weather. It changes at once."),
    ("What does a clerk do?", "A clerk counts materials and tools and makes a list of them."),
)  # fmt: skip


def opening(text: str) -> str:
    """The text with its first letter in upper case, as a sentence opens."""
    return text[:1].upper() + text[1:]
