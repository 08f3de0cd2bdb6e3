//! What a caption says, and its words.

use super::colour::PALETTE;
use super::figure::Figure;

/// A figure as a caption speaks of it: a colour and a shape, both by their place in the lists of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Thing {
    pub(super) colour: usize,
    pub(super) figure: usize,
}

/// Where the first of two things is, seen from the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Above,
    Below,
    LeftOf,
    RightOf,
}

impl Relation {
    pub(super) const ALL: [Relation; 4] =
        [Relation::Above, Relation::Below, Relation::LeftOf, Relation::RightOf];

    fn words(self) -> &'static [&'static str] {
        match self {
            Relation::Above => &["above"],
            Relation::Below => &["below"],
            Relation::LeftOf => &["left", "of"],
            Relation::RightOf => &["right", "of"],
        }
    }

    /// Whether it holds between things at these places; y points down.
    pub(super) fn holds(self, first: (f64, f64), second: (f64, f64)) -> bool {
        match self {
            Relation::Above => first.1 < second.1,
            Relation::Below => first.1 > second.1,
            Relation::LeftOf => first.0 < second.0,
            Relation::RightOf => first.0 > second.0,
        }
    }
}

/// "red circle", or "red circle above blue square".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Caption {
    pub(super) first: Thing,
    pub(super) second: Option<(Relation, Thing)>,
}

/// The most words of a caption.
pub(super) const LENGTH: usize = 6;

/// All words: colours, shapes, relations.
pub(super) fn words() -> Vec<String> {
    let colours = PALETTE.iter().map(|(name, _)| *name);
    let relations = ["above", "below", "left", "right", "of"];
    colours.chain(Figure::ALL.map(Figure::name)).chain(relations).map(String::from).collect()
}

impl Caption {
    fn text(self) -> Vec<&'static str> {
        let name = |thing: Thing| [PALETTE[thing.colour].0, Figure::ALL[thing.figure].name()];
        let mut text = name(self.first).to_vec();
        if let Some((relation, thing)) = self.second {
            text.extend(relation.words());
            text.extend(name(thing));
        }
        text
    }

    /// The numbers of its words, counted from 1.
    pub(super) fn numbers(self, words: &[String]) -> Vec<usize> {
        let number = |word: &str| words.iter().position(|known| known == word).map_or(0, |at| at + 1);
        self.text().into_iter().map(number).collect()
    }

    /// The caption that says this; `None` for what is no caption of these words.
    pub(super) fn parse(numbers: &[usize], words: &[String]) -> Option<Caption> {
        let text: Option<Vec<&str>> =
            numbers.iter().map(|&k| Some(words.get(k.checked_sub(1)?)?.as_str())).collect();
        let text = text?;
        let thing = |colour: &str, figure: &str| {
            let colour = PALETTE.iter().position(|(name, _)| *name == colour)?;
            let figure = Figure::ALL.iter().position(|known| known.name() == figure)?;
            Some(Thing { colour, figure })
        };
        match text[..] {
            [colour, figure] => Some(Caption { first: thing(colour, figure)?, second: None }),
            [colour, figure, ref relation @ .., other_colour, other_figure] => {
                let relation = Relation::ALL.into_iter().find(|known| known.words() == relation)?;
                let second = Some((relation, thing(other_colour, other_figure)?));
                Some(Caption { first: thing(colour, figure)?, second })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_are_spelt_in_their_words_and_read_back() {
        let words = words();
        let say = |text: &str| -> Vec<usize> {
            text.split(' ').map(|word| words.iter().position(|known| known == word).unwrap() + 1).collect()
        };
        for text in ["red circle", "red circle above blue square", "white moon right of pink heart"] {
            let caption = Caption::parse(&say(text), &words).unwrap();
            assert_eq!(caption.text().join(" "), text);
            assert_eq!(caption.numbers(&words), say(text));
            assert!(say(text).len() <= LENGTH);
        }
        for text in ["circle red", "red", "red circle above", "red circle of blue square"] {
            assert_eq!(Caption::parse(&say(text), &words), None, "{text}");
        }
        assert_eq!(Caption::parse(&[0, 1], &words), None);
        assert_eq!(Caption::parse(&[1, 99], &words), None);
    }
}
