//! Where the switch of each mutant goes.
//!
//! cargo-mutants replaces text, so `a - b + c` becomes `a - b * c`: where the new operator binds
//! otherwise than the old one, the switch takes the whole chain of operators, and stays exact.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use anyhow::{Context, Result};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr};

use crate::mutant::{Genre, Mutant};

/// Where a switch goes in a file.
#[derive(Debug, Clone)]
pub enum Place {
    /// This expression is chosen, as it was or with the mistake.
    Whole(Range<usize>),
    /// Here a function starts, and returns.
    Body(usize),
    /// The same of a function that returns some iterator: there the mistake is of another type.
    Iterator(Range<usize>),
    /// Here a pattern ends, and fits no more.
    Pattern(usize),
    /// Nowhere, since the compiler computes it, or no text would be an expression.
    Nowhere,
}

/// What is known of a mutant's surroundings.
#[derive(Debug, Clone)]
pub struct Found {
    pub place: Place,
    /// The whole function it stands in.
    pub function: Range<usize>,
    /// Whether that is a `const fn`: the compiler may have been the only one to run it.
    pub is_const: bool,
}

/// The place of each of these mutants of one file, by number.
pub fn find(text: &str, mutants: &[&Mutant]) -> Result<BTreeMap<u32, Found>> {
    let file = syn::parse_file(text)?;
    let mut wanted: HashMap<_, Vec<&Mutant>> = HashMap::new();
    for one in mutants {
        wanted
            .entry((one.genre, one.range.start))
            .or_default()
            .push(one);
    }
    let mut search = Search {
        wanted,
        found: BTreeMap::new(),
        function: 0..text.len(),
        is_const: false,
        computed: false,
        chain: None,
    };
    search.visit_file(&file);
    let left = mutants
        .iter()
        .find(|one| !search.found.contains_key(&one.number));
    left.map_or(Ok(()), |one| {
        None.with_context(|| format!("no place for {}", one.name))
    })?;
    Ok(search.found)
}

struct Search<'a> {
    wanted: HashMap<(Genre, usize), Vec<&'a Mutant>>,
    found: BTreeMap<u32, Found>,
    function: Range<usize>,
    is_const: bool,
    /// Inside of what the compiler computes.
    computed: bool,
    /// The outermost of the operators that stand in one row without parentheses.
    chain: Option<(Range<usize>, bool)>,
}

fn range(of: &impl Spanned) -> Range<usize> {
    of.span().byte_range()
}

impl Search<'_> {
    fn put(&mut self, genre: Genre, start: usize, place: impl Fn(&Mutant) -> Place) {
        for one in self.wanted.remove(&(genre, start)).unwrap_or_default() {
            let place = if self.computed {
                Place::Nowhere
            } else {
                place(one)
            };
            let found = Found {
                place,
                function: self.function.clone(),
                is_const: self.is_const,
            };
            self.found.insert(one.number, found);
        }
    }

    fn in_function(&mut self, all: Range<usize>, is_const: bool, inner: impl FnOnce(&mut Self)) {
        let outer = (self.function.clone(), self.is_const, self.computed);
        (self.function, self.is_const, self.computed) = (all, is_const, false);
        inner(self);
        (self.function, self.is_const, self.computed) = outer;
    }

    fn body(&mut self, block: &syn::Block, signature: &syn::Signature) {
        let (Some(first), Some(last)) = (block.stmts.first(), block.stmts.last()) else {
            return;
        };
        let body = range(first).start..range(last).end;
        let is_some = matches!(&signature.output,
            syn::ReturnType::Type(_, of) if matches!(**of, syn::Type::ImplTrait(_)));
        self.put(Genre::FnValue, body.start, |_| match is_some {
            true => Place::Iterator(body.clone()),
            false => Place::Body(body.start),
        });
    }

    fn computed(&mut self, inner: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.computed, true);
        inner(self);
        self.computed = outer;
    }
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_item_fn(&mut self, node: &'ast syn::ItemFn) {
        self.in_function(range(node), node.sig.constness.is_some(), |search| {
            search.body(&node.block, &node.sig);
            visit::visit_item_fn(search, node);
        });
    }

    fn visit_impl_item_fn(&mut self, node: &'ast syn::ImplItemFn) {
        self.in_function(range(node), node.sig.constness.is_some(), |search| {
            search.body(&node.block, &node.sig);
            visit::visit_impl_item_fn(search, node);
        });
    }

    fn visit_trait_item_fn(&mut self, node: &'ast syn::TraitItemFn) {
        self.in_function(range(node), false, |search| {
            node.default
                .iter()
                .for_each(|block| search.body(block, &node.sig));
            visit::visit_trait_item_fn(search, node);
        });
    }

    // A closure in a constant runs when it is called.
    fn visit_expr_closure(&mut self, node: &'ast syn::ExprClosure) {
        let outer = std::mem::replace(&mut self.computed, false);
        visit::visit_expr_closure(self, node);
        self.computed = outer;
    }

    fn visit_item_const(&mut self, node: &'ast syn::ItemConst) {
        self.computed(|search| visit::visit_item_const(search, node));
    }

    fn visit_item_static(&mut self, node: &'ast syn::ItemStatic) {
        self.computed(|search| visit::visit_item_static(search, node));
    }

    fn visit_impl_item_const(&mut self, node: &'ast syn::ImplItemConst) {
        self.computed(|search| visit::visit_impl_item_const(search, node));
    }

    fn visit_trait_item_const(&mut self, node: &'ast syn::TraitItemConst) {
        self.computed(|search| visit::visit_trait_item_const(search, node));
    }

    fn visit_expr_const(&mut self, node: &'ast syn::ExprConst) {
        self.computed(|search| visit::visit_expr_const(search, node));
    }

    fn visit_type(&mut self, node: &'ast syn::Type) {
        self.computed(|search| visit::visit_type(search, node));
    }

    fn visit_generic_argument(&mut self, node: &'ast syn::GenericArgument) {
        self.computed(|search| visit::visit_generic_argument(search, node));
    }

    fn visit_variant(&mut self, node: &'ast syn::Variant) {
        self.computed(|search| visit::visit_variant(search, node));
    }

    fn visit_pat(&mut self, node: &'ast syn::Pat) {
        self.computed(|search| visit::visit_pat(search, node));
    }

    fn visit_expr_repeat(&mut self, node: &'ast syn::ExprRepeat) {
        self.visit_expr(&node.expr);
        self.computed(|search| search.visit_expr(&node.len));
    }

    fn visit_expr(&mut self, node: &'ast Expr) {
        let outer = self.chain.clone();
        if !matches!(node, Expr::Binary(_)) {
            self.chain = None;
        }
        visit::visit_expr(self, node);
        self.chain = outer;
    }

    fn visit_expr_binary(&mut self, node: &'ast syn::ExprBinary) {
        let binds = binding(node.op.span().source_text().as_deref().unwrap_or_default());
        let own = (range(node), has_let(node));
        let chain = self.chain.clone().unwrap_or_else(|| own.clone());
        self.put(Genre::BinaryOperator, range(&node.op).start, |one| {
            let same = binding(&one.replacement) == binds;
            let (range, has_let) = if same { &own } else { &chain };
            if *has_let {
                Place::Nowhere
            } else {
                Place::Whole(range.clone())
            }
        });
        self.chain = (binds != Some(ASSIGNMENT)).then_some(chain);
        self.visit_expr(&node.left);
        self.visit_expr(&node.right);
    }

    fn visit_expr_unary(&mut self, node: &'ast syn::ExprUnary) {
        let whole = range(node);
        self.put(Genre::UnaryOperator, whole.start, |_| {
            Place::Whole(whole.clone())
        });
        visit::visit_expr_unary(self, node);
    }

    fn visit_expr_struct(&mut self, node: &'ast syn::ExprStruct) {
        let whole = Place::Whole(range(node));
        for field in &node.fields {
            self.put(Genre::StructField, range(field).start, |_| whole.clone());
        }
        visit::visit_expr_struct(self, node);
    }

    fn visit_arm(&mut self, node: &'ast syn::Arm) {
        let end = range(&node.pat).end;
        self.put(Genre::MatchArm, range(node).start, |_| Place::Pattern(end));
        if let Some((_, guard)) = &node.guard {
            let whole = range(guard);
            self.put(Genre::MatchArmGuard, whole.start, |_| {
                Place::Whole(whole.clone())
            });
        }
        visit::visit_arm(self, node);
    }
}

/// Of `a && let …` no part can be put into parentheses.
fn has_let(node: &syn::ExprBinary) -> bool {
    let side = |side: &Expr| match side {
        Expr::Binary(inner) => has_let(inner),
        Expr::Let(_) => true,
        _ => false,
    };
    matches!(node.op, BinOp::And(_)) && (side(&node.left) || side(&node.right))
}

/// How strongly an operator binds: the same number, the same tree.
fn binding(operator: &str) -> Option<usize> {
    const CLASSES: [&[&str]; 9] = [
        &["*", "/", "%"],
        &["+", "-"],
        &["<<", ">>"],
        &["&"],
        &["^"],
        &["|"],
        &["==", "!=", "<", ">", "<=", ">="],
        &["&&"],
        &["||"],
    ];
    let of = CLASSES.iter().position(|class| class.contains(&operator));
    of.or_else(|| operator.ends_with('=').then_some(ASSIGNMENT))
}

const ASSIGNMENT: usize = 9;
