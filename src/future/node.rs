//! The node: a future's body.
//!
//! ```text
//!   0  life        references and generation            (slab)
//!   8  dependents  edges to tell, or the final state
//!  16  code        the function's address: 48, the shape of the arguments: 16
//!  24  gate        inputs still open, and claims
//!  28  client      its number
//!  32  body        four words; twelve in a node of two lines
//! ```
//!
//! Until the task has run, the body holds its arguments: one word for a number or pointer, two for a future, the input and the link
//! of the edge that hangs in that input's list. Arguments of other kinds, or more than fit, are in a [`Block`] that the first word
//! points to. A finished future's body is its [`Value`]. All words are atomics because a stale handle may look at them at
//! any time; the order between writers and rightful readers comes from `gate` and `dependents`.

use super::dependents::{Dependents, EdgeWord};
use super::gate::Gate;
use super::{TaskFn, watch::Watch};
use crate::slab::{Class, Id, Life, Line, index_of};
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use crate::value::Value;
use std::cell::UnsafeCell;
use std::ops::Deref;
use std::ptr::{self, NonNull};

/// Words of the body in a node of one line, and of two.
pub(crate) const SMALL_BODY: usize = 4;
pub(crate) const LARGE_BODY: usize = 12;

#[repr(C, align(64))]
pub(crate) struct Node {
    pub(crate) life: Life,
    pub(crate) dependents: Dependents,
    code: AtomicU64,
    pub(crate) gate: Gate,
    client: AtomicU32,
    body: [AtomicU64; SMALL_BODY],
}

#[cfg(not(loom))]
const _: () = {
    assert!(size_of::<Node>() == 64);
    assert!(std::mem::offset_of!(Node, body) == 32);
    assert!(size_of::<Value>() == SMALL_BODY * 8 && align_of::<Value>() <= 16);
};

/// A node's address. Following it is always memory-safe, since lines stay what they are for ever; that it is still the
/// node one means is what a counted reference is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub(crate) struct NodePtr(NonNull<Node>);

// SAFETY: every field of a node is an atomic.
unsafe impl Send for NodePtr {}
// SAFETY: as above.
unsafe impl Sync for NodePtr {}

impl Deref for NodePtr {
    type Target = Node;

    #[inline]
    fn deref(&self) -> &Node {
        // SAFETY: a node pointer is only made from a line of a node class, which is mapped for ever and made of atomics.
        unsafe { self.0.as_ref() }
    }
}

/// The most arguments that need no block.
pub(crate) const MAX_INLINE: usize = 6;

/// The kinds of arguments that need no block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Inline {
    I64 = 0,
    F64 = 1,
    Pointer = 2,
    Future = 3,
}

/// What the body holds before the task has run: up to six inline arguments, or a block.
///
/// `| block: 1 | count: 3 | kind of argument 5: 2 | … | kind of argument 0: 2 |`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape(u16);

impl Shape {
    pub(crate) const EMPTY: Shape = Shape(0);
    pub(crate) const BLOCK: Shape = Shape(1 << 15);
    /// A block that begins with a [`Chain`](super::chain::Chain).
    pub(crate) const CHAIN: Shape = Shape(1 << 15 | 1);
    /// A block that holds the run of a [program](super::program).
    pub(crate) const PROGRAM: Shape = Shape(1 << 15 | 2);
    /// The same, where the program has several outputs.
    pub(crate) const HUB: Shape = Shape(1 << 15 | 3);
    /// A block with the hub of which the node is an output.
    pub(crate) const OUTPUT: Shape = Shape(1 << 15 | 4);
    /// One future: also what a task turns into that takes another's result.
    pub(crate) const ONE_FUTURE: Shape = Shape(1 << 12 | Inline::Future as u16);
    /// The shape of arguments of these kinds, and the words they take; `None` when they need a block.
    #[inline]
    pub(crate) fn of(kinds: impl Iterator<Item = Option<Inline>>) -> Option<(Shape, usize)> {
        let (mut shape, mut words, mut at) = (0, 0, 0);
        for kind in kinds {
            let kind = kind?;
            if at == 2 * MAX_INLINE {
                return None;
            }
            shape |= (kind as u16) << at;
            words += kind.words();
            at += 2;
        }
        (words <= LARGE_BODY).then_some((Shape(shape | (at as u16 / 2) << 12), words))
    }

    /// This shape with another kind of argument `index`.
    #[inline]
    pub(crate) fn with(self, index: usize, kind: Inline) -> Shape {
        Shape((self.0 & !(3 << (2 * index))) | (kind as u16) << (2 * index))
    }

    pub(crate) fn is_block(self) -> bool {
        self.0 >> 15 != 0
    }

    /// Whether it is one of the last three: what the node stands for is no call of its function.
    #[inline]
    pub(crate) fn is_graph(self) -> bool {
        self.0 >= Self::PROGRAM.0
    }

    /// Whether a future, or a block that may hold some, is among the arguments.
    #[inline]
    pub(crate) fn has_inputs(self) -> bool {
        self.is_block() || self.0 & self.0 >> 1 & FUTURES != 0
    }

    #[inline]
    pub(crate) fn count(self) -> usize {
        usize::from(self.0 >> 12 & 7)
    }

    #[inline]
    pub(crate) fn kind(self, index: usize) -> Inline {
        match self.0 >> (2 * index) & 3 {
            0 => Inline::I64,
            1 => Inline::F64,
            2 => Inline::Pointer,
            _ => Inline::Future,
        }
    }

    /// Where argument `index` begins in the body: one word for each before it, one more for each future among them.
    #[inline]
    pub(crate) fn offset(self, index: usize) -> usize {
        let before = self.0 & ((1 << (2 * index)) - 1);
        let futures = before & before >> 1 & FUTURES;
        if futures == 0 { index } else { index + futures.count_ones() as usize }
    }
}

/// The lower bits of the six kinds: what is left of a shape where both bits of a kind are set.
const FUTURES: u16 = 0x555;

impl Inline {
    /// A future takes a word for the input and one for the link.
    #[inline]
    fn words(self) -> usize {
        if self == Inline::Future { 2 } else { 1 }
    }
}

/// The smallest class of nodes with so many words in their bodies.
#[inline]
pub(crate) fn class_for(words: usize) -> Class {
    if words <= SMALL_BODY { Class::Small } else { Class::Large }
}

/// Whether a node has room for so many words in its body.
pub(crate) fn fits_body(words: usize) -> bool {
    words <= LARGE_BODY
}

/// Arguments that do not fit a body. Its memory stays until no input can have an edge of it in its list any more.
pub(crate) struct Block {
    /// The arguments as the task reads them; a future's is a reference to the value in its node. Taken out by whoever releases the
    /// inputs.
    args: UnsafeCell<Vec<Value>>,
    /// One for each future among the arguments, depth first.
    pub(crate) edges: Box<[BlockEdge]>,
}

/// The edge of an argument in a block.
#[repr(C, align(8))]
pub(crate) struct BlockEdge {
    link: AtomicU64,
    /// The address of the node whose edge it is, and [`LENIENT`] if it is told of every end alike.
    owner: u64,
    pub(crate) input: NodePtr,
}

impl Block {
    pub(crate) fn new(owner: NodePtr, args: Vec<Value>, inputs: Vec<NodePtr>) -> Box<Self> {
        Self::with_lenient(owner, args, inputs, &[])
    }

    /// As [`new`](Self::new), where the failure of some inputs, by their indices in order, is not the task's.
    pub(crate) fn with_lenient(
        owner: NodePtr,
        args: Vec<Value>,
        inputs: Vec<NodePtr>,
        mut lenient: &[usize],
    ) -> Box<Self> {
        let edges = inputs.into_iter().enumerate().map(|(index, input)| {
            let mut owner = owner.to_word();
            if let Some((_, rest)) = lenient.split_first().filter(|&(&first, _)| first == index) {
                lenient = rest;
                owner |= LENIENT;
            }
            BlockEdge { link: AtomicU64::new(0), owner, input }
        });
        Box::new(Self { args: UnsafeCell::new(args), edges: edges.collect() })
    }

    /// The arguments, for the task that runs.
    ///
    /// # Safety
    /// The caller has claimed the task, and has not yet taken the arguments out.
    pub(crate) unsafe fn args(&self) -> &[Value] {
        // SAFETY: only the one claimant touches the cell.
        unsafe { &*self.args.get() }
    }

    /// Takes the arguments out.
    ///
    /// # Safety
    /// The caller has claimed the task, and nothing borrowed from [`args`](Self::args) is used any more.
    pub(crate) unsafe fn take_args(&self) -> Vec<Value> {
        // SAFETY: only the one claimant touches the cell.
        unsafe { std::mem::take(&mut *self.args.get()) }
    }
}

/// Whom an edge tells.
pub(crate) enum Edge {
    Task(NodePtr),
    Watch(NonNull<Watch>),
}

/// An edge of a task that is there, linked or not.
#[derive(Clone, Copy)]
pub(crate) struct EdgeRef(EdgeWord);

impl EdgeRef {
    /// What is linked.
    pub(crate) fn word(self) -> EdgeWord {
        self.0
    }

    /// See [`is_lenient`].
    pub(crate) fn is_lenient(self) -> bool {
        is_lenient(self.0)
    }

    /// Its link word.
    pub(crate) fn link(self) -> &'static AtomicU64 {
        link_of(self.0)
    }
}

const TAG_SMALL: u64 = 0;
const TAG_LARGE: u64 = 1;
const TAG_BLOCK: u64 = 2;
const TAG_WATCH: u64 = 3;
const TAG: u64 = 3;
/// Beside the tag: the owner waits for the input's end, not for its value.
const LENIENT: u64 = 4;
/// What is no part of the address, which is a multiple of 8.
const MARKS: u64 = TAG | LENIENT;

/// Whether the edge's owner runs whatever becomes of the input.
#[inline]
pub(crate) fn is_lenient(edge: EdgeWord) -> bool {
    edge & LENIENT != 0
}

impl Edge {
    /// Whom the linked word `edge` tells.
    #[inline]
    pub(crate) fn of(edge: EdgeWord) -> Edge {
        let address = (edge & !MARKS) as usize;
        let node = |address| {
            NodePtr(NonNull::new(ptr::with_exposed_provenance_mut(address)).expect("a linked edge"))
        };
        match edge & TAG {
            TAG_SMALL => Edge::Task(node(address & !(64 - 1))),
            TAG_LARGE => Edge::Task(node(address & !(128 - 1))),
            // SAFETY: an edge of a block is linked only while the block exists.
            TAG_BLOCK => Edge::Task(NodePtr::from_word(unsafe {
                (*ptr::with_exposed_provenance::<BlockEdge>(address)).owner & !LENIENT
            })),
            _ => {
                Edge::Watch(NonNull::new(ptr::with_exposed_provenance_mut(address)).expect("a linked watch"))
            }
        }
    }

    /// The edge word of a watch, whose first field is its link.
    pub(crate) fn watch(watch: *const Watch) -> EdgeWord {
        watch.expose_provenance() as u64 | TAG_WATCH
    }
}

/// The link word that a linked edge leads to.
#[inline]
pub(crate) fn link_of<'a>(edge: EdgeWord) -> &'a AtomicU64 {
    // SAFETY: an edge word is the address of its link word, which exists while the edge is linked: inline links are parts of
    // lines, block edges and watches are kept until their list was closed and walked or they were unlinked.
    unsafe { &*ptr::with_exposed_provenance::<AtomicU64>((edge & !MARKS) as usize) }
}

impl NodePtr {
    /// The node in a line of a node class.
    #[inline]
    pub(crate) fn of(line: Line) -> Self {
        Self(line.cast())
    }

    #[inline]
    pub(crate) fn line(self) -> Line {
        self.0.cast()
    }

    pub(crate) fn from_word(word: u64) -> Self {
        Self(NonNull::new(ptr::with_exposed_provenance_mut(word as usize)).expect("a node's address"))
    }

    #[inline]
    pub(crate) fn to_word(self) -> u64 {
        self.0.as_ptr().expose_provenance() as u64
    }

    #[inline]
    fn slot(self, index: usize) -> *const AtomicU64 {
        debug_assert!(index < LARGE_BODY);
        // SAFETY: `index` is below the body's words, which the shape keeps within the lines of the node's class; the pointer was made
        // from the chunk's and may go beyond the first line.
        unsafe { (&raw const (*self.0.as_ptr()).body).cast::<AtomicU64>().add(index) }
    }

    /// Body word `index`, which must be within the node's class.
    #[inline]
    pub(crate) fn get(self, index: usize) -> u64 {
        // SAFETY: see `slot`.
        unsafe { (*self.slot(index)).load(Ordering::Relaxed) }
    }

    #[inline]
    pub(crate) fn set(self, index: usize, word: u64) {
        // SAFETY: see `slot`.
        unsafe { (*self.slot(index)).store(word, Ordering::Relaxed) }
    }

    /// Sets the first words of the body, which must be within the node's class.
    #[inline]
    pub(crate) fn set_all<const N: usize>(self, words: &[u64; N]) {
        for (index, &word) in words.iter().enumerate() {
            self.set(index, word);
        }
    }

    /// Writes what a new node must know: its client, its function, what its body holds. The caller owns it alone.
    #[inline]
    pub(crate) fn begin(self, client: u32, function: Option<TaskFn>, shape: Shape) {
        let address = function.map_or(0, |function| function as usize as u64);
        self.code.store(address & FUNCTION | u64::from(shape.0) << SHAPE_SHIFT, Ordering::Relaxed);
        self.client.store(client, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn client(self) -> u32 {
        self.client.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn shape(self) -> Shape {
        Shape((self.code.load(Ordering::Relaxed) >> SHAPE_SHIFT) as u16)
    }

    pub(crate) fn set_shape(self, shape: Shape) {
        let code = self.code.load(Ordering::Relaxed) & FUNCTION | u64::from(shape.0) << SHAPE_SHIFT;
        self.code.store(code, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn function_address(self) -> usize {
        (self.code.load(Ordering::Relaxed) & FUNCTION) as usize
    }

    #[inline]
    pub(crate) fn function(self) -> Option<TaskFn> {
        let address = self.function_address();
        // SAFETY: the word holds what `begin` put there, an `Option<TaskFn>` without the upper bits, which are zero in every
        // code address (checked at submit).
        unsafe { std::mem::transmute::<usize, Option<TaskFn>>(address) }
    }

    /// The edge of the inline future argument whose words begin at `offset`, and its link.
    #[inline]
    pub(crate) fn inline_edge(self, offset: usize, class: Class) -> (EdgeWord, &'static AtomicU64) {
        let link = self.slot(offset + 1);
        let tag = if class == Class::Large { TAG_LARGE } else { TAG_SMALL };
        // SAFETY: lines are mapped for ever.
        (link.expose_provenance() as u64 | tag, unsafe { &*link })
    }

    /// The edge of a future argument in a block, and its link.
    pub(crate) fn block_edge(edge: &BlockEdge) -> (EdgeWord, &AtomicU64) {
        ((&raw const edge.link).expose_provenance() as u64 | TAG_BLOCK | edge.owner & LENIENT, &edge.link)
    }

    pub(crate) fn set_block(self, block: Box<Block>) {
        self.set(0, Box::into_raw(block).expose_provenance() as u64);
    }

    /// The block of a node whose shape says it has one. Valid until [`free_block`](Self::free_block).
    pub(crate) fn block(self) -> NonNull<Block> {
        NonNull::new(ptr::with_exposed_provenance_mut(self.get(0) as usize)).expect("a block")
    }

    /// Frees the block, when no edge of it can be linked any more and nobody looks at it.
    ///
    /// # Safety
    /// The node's inputs are all closed or it was never linked, and the caller alone may touch its body.
    pub(crate) unsafe fn free_block(self) {
        // SAFETY: made by `Box::into_raw` in `set_block`; freed once, because the shape is emptied with it.
        drop(unsafe { Box::from_raw(self.block().as_ptr()) });
        self.set_shape(Shape::EMPTY);
    }

    /// The inputs, in order, depth first. Whether they are still the node's is the caller's to know.
    #[inline]
    pub(crate) fn for_each_input(self, mut visit: impl FnMut(NodePtr)) {
        let shape = self.shape();
        if shape.is_block() {
            // SAFETY: the block exists while the shape says so; see `free_block`.
            for edge in unsafe { self.block().as_ref() }.edges.iter() {
                visit(edge.input);
            }
        } else {
            for index in 0..shape.count() {
                if shape.kind(index) == Inline::Future {
                    visit(NodePtr::from_word(self.get(shape.offset(index))));
                }
            }
        }
    }

    /// The inputs with the edges that hang, or hung, in their lists; as for [`for_each_input`](Self::for_each_input).
    pub(crate) fn for_each_edge(self, mut visit: impl FnMut(NodePtr, EdgeRef)) {
        let shape = self.shape();
        if shape.is_block() {
            // SAFETY: as above.
            for edge in unsafe { self.block().as_ref() }.edges.iter() {
                visit(edge.input, EdgeRef(Self::block_edge(edge).0));
            }
        } else {
            let class = crate::slab::class_of(self.line());
            for index in (0..shape.count()).filter(|&index| shape.kind(index) == Inline::Future) {
                let offset = shape.offset(index);
                visit(NodePtr::from_word(self.get(offset)), EdgeRef(self.inline_edge(offset, class).0));
            }
        }
    }

    /// Puts the value into the body. The caller has claimed the task and is done with its arguments.
    #[inline]
    pub(crate) fn set_value(self, value: &mut Value) {
        value.give_words(|index, word| self.set(index, word));
    }

    /// The value in the body of a finished future, valid while the caller counts a reference.
    #[inline]
    pub(crate) fn value(self) -> *const Value {
        self.slot(0).cast()
    }

    /// Takes the value out of a finished future that nobody refers to any more.
    ///
    /// # Safety
    /// The future is finished and freed by the caller.
    #[inline]
    pub(crate) unsafe fn take_value(self) -> Value {
        // SAFETY: these are the words of `set_value`, and they are taken once.
        unsafe { Value::from_words([self.get(0), self.get(1), self.get(2), self.get(3)]) }
    }

    /// The id of the first handle, of which `generation` is known to be current.
    #[inline]
    pub(crate) fn id(self, class: Class, generation: u64) -> Id {
        Id::new(class.kind(), index_of(self.line()), generation)
    }

    /// A number that no other node of this process has while this one lives: for keys.
    pub(crate) fn number(self) -> u64 {
        self.life.count() << 32 | u64::from(index_of(self.line()))
    }
}

const SHAPE_SHIFT: u32 = 48;
const FUNCTION: u64 = (1 << SHAPE_SHIFT) - 1;

/// Whether the function's address leaves room for the shape above it, as every code address does on the platforms we know.
#[inline]
pub(crate) fn fits(function: TaskFn) -> bool {
    function as usize as u64 & !FUNCTION == 0
}
