//! A source with all its mutants in it, each behind its switch.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::mutant::Mutant;
use crate::place::{Found, Place};

/// What was written, and where in it which mutants stand.
#[derive(Default)]
pub struct Rendered {
    pub text: String,
    /// Each mutant where its own text is.
    alternatives: Vec<(Range<usize>, u32)>,
    /// What was rewritten for some mutants, and whole functions.
    around: Vec<(Range<usize>, BTreeSet<u32>)>,
    /// What was copied: from where, and to where.
    copied: Vec<(usize, usize)>,
}

struct Node<'a> {
    range: Range<usize>,
    place: &'a Place,
    mutants: Vec<&'a Mutant>,
}

struct Writer<'a> {
    source: &'a str,
    /// From the front; the outer before the inner.
    nodes: Vec<Node<'a>>,
    next: usize,
    out: Rendered,
}

/// Writes `source` anew with these mutants of it.
pub fn switched(source: &str, mutants: &[(&Mutant, &Found)]) -> Rendered {
    let mut nodes: BTreeMap<_, Node<'_>> = BTreeMap::new();
    for (mutant, found) in mutants {
        let place = &found.place;
        let range = match place {
            Place::Whole(range) | Place::Iterator(range) => range.clone(),
            Place::Body(at) | Place::Pattern(at) => *at..*at,
            Place::Nowhere => continue,
        };
        // A function starts before the expression that it starts with.
        let is_inner = matches!(place, Place::Whole(_));
        let key = (range.start, is_inner, usize::MAX - range.end);
        let node = nodes.entry(key).or_insert(Node {
            range,
            place,
            mutants: Vec::new(),
        });
        node.mutants.push(mutant);
    }
    let nodes = nodes.into_values().collect();
    let mut writer = Writer {
        source,
        nodes,
        next: 0,
        out: Rendered::default(),
    };
    writer.copy(&(0..source.len()));
    writer.out.functions(mutants);
    writer.out
}

fn is_body(place: &Place) -> bool {
    matches!(place, Place::Body(_) | Place::Iterator(_))
}

/// Writes `source` with these mistakes in it at once, and without a switch. What overlaps with an
/// earlier one is left out.
pub fn mistaken(source: &str, mutants: &[(&Mutant, &Found)]) -> Rendered {
    let mut out = Rendered::default();
    let mut bodies = Vec::new();
    let mut done = 0;
    for (mutant, found) in mutants {
        let range = match &found.place {
            Place::Whole(range) => range.clone(),
            _ => mutant.range.clone(),
        };
        if range.start < done {
            continue;
        }
        bodies.extend(is_body(&found.place).then_some((*mutant, *found)));
        out.raw(source, &(done..range.start));
        let start = out.text.len();
        out.text += &mutant.made_in(source, &range);
        out.alternatives
            .push((start..out.text.len(), mutant.number));
        done = range.end;
    }
    out.raw(source, &(done..source.len()));
    // Some are only found wrong where the function says what it returns.
    out.functions(&bodies);
    out
}

impl Writer<'_> {
    fn copy(&mut self, range: &Range<usize>) {
        let mut done = range.start;
        while let Some(node) = self.nodes.get(self.next) {
            let inner = node.range.clone();
            if inner.start >= range.end {
                break;
            }
            self.out.raw(self.source, &(done..inner.start));
            done = inner.end;
            self.node();
        }
        self.out.raw(self.source, &(done..range.end));
    }

    fn node(&mut self) {
        let index = self.next;
        self.next += 1;
        let start = self.out.text.len();
        let Node {
            range,
            place,
            mutants,
        } = &self.nodes[index];
        let (range, place) = (range.clone(), *place);
        let numbers = mutants.iter().map(|one| one.number).collect();
        if let Place::Whole(_) = place {
            self.out.text.push('(');
        }
        for mutant in mutants {
            let number = mutant.number;
            let on = format!("crate::mutant::is({number})");
            let (opened, text, closed) = match place {
                Place::Whole(_) => {
                    let text = mutant.made_in(self.source, &range);
                    (format!("if {on} {{ "), text, " } else ")
                }
                Place::Iterator(_) => {
                    let text = mutant.replacement.clone();
                    (
                        format!("if {on} {{ return Box::new("),
                        text,
                        AS_ITERATOR_SO_FAR,
                    )
                }
                Place::Body(_) => {
                    let text = mutant.replacement.clone();
                    (format!("if {on} {{ return "), text, "; } ")
                }
                Place::Pattern(_) => (" if ".to_owned(), format!("!{on}"), ""),
                Place::Nowhere => continue,
            };
            self.out.text += &opened;
            let begins = self.out.text.len();
            self.out.text += &text;
            let alternative = begins..self.out.text.len();
            self.out.alternatives.push((alternative, number));
            self.out.text += closed;
        }
        if !range.is_empty() {
            let (opened, closed) = match place {
                Place::Iterator(_) => ("Box::new({ ", AS_ITERATOR),
                _ => ("{ ", " })"),
            };
            self.out.text += opened;
            self.copy(&range);
            self.out.text += closed;
        }
        self.out.around.push((start..self.out.text.len(), numbers));
    }
}

const AS_ITERATOR: &str = " }) as Box<dyn Iterator<Item = _> + '_>";
const AS_ITERATOR_SO_FAR: &str = ") as Box<dyn Iterator<Item = _> + '_>; } ";

impl Rendered {
    fn raw(&mut self, source: &str, range: &Range<usize>) {
        self.copied.push((range.start, self.text.len()));
        self.text += &source[range.clone()];
    }

    fn functions(&mut self, mutants: &[(&Mutant, &Found)]) {
        let mut functions: BTreeMap<(usize, usize), [BTreeSet<u32>; 3]> = BTreeMap::new();
        for (mutant, found) in mutants {
            let key = (found.function.start, found.function.end);
            // What rustc says of a function as a whole comes most often of an arm that is gone, and
            // next of what is returned.
            let kind = match found.place {
                Place::Pattern(_) => 0,
                Place::Body(_) | Place::Iterator(_) => 1,
                Place::Whole(_) | Place::Nowhere => 2,
            };
            functions.entry(key).or_default()[kind].insert(mutant.number);
        }
        for ((start, end), kinds) in functions {
            let range = self.written(start)..self.written(end);
            let likely = kinds.into_iter().find(|kind| !kind.is_empty());
            self.around.extend(likely.map(|numbers| (range, numbers)));
        }
    }

    /// The mutants whose text is in it.
    pub fn held(&self) -> impl Iterator<Item = u32> {
        self.alternatives.iter().map(|(_, number)| *number)
    }

    /// Where a byte of the source went.
    fn written(&self, at: usize) -> usize {
        let behind = self.copied.partition_point(|(from, _)| *from <= at);
        let (from, to) = self.copied[behind.saturating_sub(1)];
        to + (at - from)
    }

    /// Whose fault it is what rustc says of this part: one mutant's, or that of all that were
    /// rewritten most closely around it.
    pub fn blamed(&self, range: &Range<usize>) -> BTreeSet<u32> {
        let holds = |outer: &Range<usize>| outer.start <= range.start && range.end <= outer.end;
        if let Some((_, number)) = self.alternatives.iter().find(|(one, _)| holds(one)) {
            return BTreeSet::from([*number]);
        }
        let around = self.around.iter().filter(|(one, _)| holds(one));
        let closest = around.min_by_key(|(one, _)| one.len());
        closest
            .map(|(_, numbers)| numbers.clone())
            .unwrap_or_default()
    }
}
