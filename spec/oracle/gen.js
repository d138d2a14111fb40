'use strict';
// Differential oracle, Node side. Generates random programs over stream.Writable with a scripted
// sink, runs each in Node, and writes two files:
//   <out>.lua       the programs, as a Lua table
//   <out>.expected  the trace Node produced: one line per program
// Usage: node gen.js --seed N --count N --out PREFIX [--profile core|full|reentrant] [--short]
// --short leaves out of each state what is as it was in the state before; replay.lua reads both.
// README.md explains programs and traces.
const { Writable } = require('stream');
const fs = require('fs');

const args = Object.fromEntries(process.argv.slice(2).join(' ').split('--').filter(Boolean)
  .map((s) => s.trim().split(/\s+/)).map(([k, v]) => [k, v ?? true]));
const seed = Number(args.seed ?? 1), count = Number(args.count ?? 1000);
const out = args.out ?? 'programs', profile = args.profile ?? 'full';

// mulberry32: small deterministic generator
let s = (seed * 0x9E3779B1) >>> 0;
function rnd() { s = (s + 0x6D2B79F5) >>> 0; let t = s; t = Math.imul(t ^ (t >>> 15), t | 1); t ^= t + Math.imul(t ^ (t >>> 7), t | 61); return ((t ^ (t >>> 14)) >>> 0) / 4294967296; }
const ri = (n) => Math.floor(rnd() * n);
const chance = (p) => rnd() < p;
const pick = (a) => a[ri(a.length)];
function weighted(pairs) { let t = 0; for (const [, w] of pairs) t += w; let x = rnd() * t; for (const [v, w] of pairs) { if ((x -= w) < 0) return v; } return pairs[0][0]; }

let nextId;
// A write's callback: 0 none, 1 one of its own, 2 the one that the whole program shares.
const genCb = (P) => weighted(P.share ? [[0, 2], [1, 1], [2, 7]] : [[0, 5], [1, 5]]);
function genOp(P) {
  const op = weighted([
    ['w', 40], ['k', 22], ['ke', P.errors ? (P.destroy ? 6 : 2) : 0], ['kk', P.errors ? 0.4 : 0], ['e', 1.5], ['ew', 0.8], ['c', 4], ['u', 6],
    ['d', P.destroy ? 2 : 0], ['de', P.destroy ? 2 : 0], ['kf', P.final === 'm' ? 6 : 0], ['kfe', P.final === 'm' ? 1 : 0],
    ['kc', P.construct === 'm' ? 8 : 0], ['kce', P.construct === 'm' ? 1 : 0], ['kd', P.destroyMode === 'm' ? 6 : 0], ['kde', P.destroyMode === 'm' ? 1 : 0],
    ['nt', P.ticks ? (P.only ? 30 : 10) : 0],
  ].filter(([name]) => !P.only || P.only.includes(name)));
  const o = [op];
  if (op === 'w') o.push(nextId++, P.objectMode ? 1 : pick([0, 1, 3, 5, 8, P.hwm, P.hwm + 1, 2]), genCb(P));
  if (op === 'e') o.push(chance(P.destroy ? 0.3 : 0.5) ? nextId++ : 0);
  if (op === 'ew') o.push(nextId++, P.objectMode ? 1 : pick([1, 4, P.hwm]), chance(0.5) ? 1 : 0);
  if (op === 'nt') o.push(nextId++, ri(3));  // the tick queues itself again that often
  return o;
}
const genOps = (n, P) => Array.from({ length: n }, () => genOp(P));
// Inside a sink call that completes before it returns nothing may be written: that meets Q-01 and Q-02.
const genSinkOps = (n, P) => Array.from({ length: n }, () => [weighted([['c', 5], ['u', 5], ['d', P.destroy ? 1 : 0], ['de', P.destroy ? 1 : 0]])]);
// Where steps may run inside: events, callbacks, ticks; `sink`, a sink call that completes before it returns; `hold`, one that does not.
const REACTIONS = ['drain', 'prefinish', 'finish', 'error', 'close', 'cb', 'tick', 'sink', 'hold'];

function genProgram() {
  nextId = 1;
  const core = profile === 'core', re = profile !== 'core' && (profile === 'reentrant' || chance(0.4));
  const P = {
    hwm: pick([0, 1, 4, 8, 16]), objectMode: chance(0.2), writev: chance(0.4),
    autoDestroy: core ? true : chance(0.85), emitClose: core ? true : chance(0.9),
    errors: core ? false : chance(0.4), destroy: core ? false : chance(0.4),
    final: core ? 'none' : pick(['none', 'none', 's', 't', 'm', 'se', 'te']),
    construct: core ? 'none' : pick(['none', 'none', 'none', 's', 't', 'm', 'te']),
    destroyMode: core ? 'none' : pick(['none', 'none', 's', 't', 'm', 'se', 'te']),
  };
  P.ticks = chance(0.6);   // steps that queue ticks of the user's own, between which the stream's ticks show
  P.share = chance(0.3);   // most writes have the one shared callback
  P.now = chance(0.3);     // the first turn comes right after construction, before any tick
  const sinkModes = chance(0.3) ? [['s', 8], ['t', 1], ['m', 1]] : [['s', 3], ['t', 3], ['m', 5]];  // three in ten: mostly at once
  P.sink = Array.from({ length: 24 }, () => weighted([...sinkModes, ['se', P.errors ? 0.4 : 0], ['te', P.errors ? 0.4 : 0], ['ss', P.errors ? 0.1 : 0]]));
  P.turns = Array.from({ length: 2 + ri(6) }, () => genOps(1 + ri(6), P));
  if (P.errors && P.destroy && chance(0.3)) P.turns.push([['u'], ['w', nextId++, P.objectMode ? 1 : 4, genCb(P)], [pick(['d', 'd', 'de'])], ['ke']]);
  if (chance(0.7)) {  // most programs end as real ones do: uncork, end, and let the sink finish its work
    const last = [];
    if (chance(0.5)) last.push(...genOps(1 + ri(5), { ...P, only: ['w', 'nt'] }));
    last.push(chance(0.5) ? ['e', chance(P.destroy ? 0.2 : 0.9) ? nextId++ : 0] : ['ew', nextId++, P.objectMode ? 1 : 3, 1]);
    if (P.ticks) last.push(['nt', nextId++, ri(3)]);
    P.turns.push([['u'], ['u'], ...last]);
    for (let i = 0; i < 10; i++) P.turns.push([['k']]);
    P.turns.push([['kf']], [['kd']]);
  }
  if (P.construct !== 'none' && chance(0.15)) {  // nothing written, ended before the construction is over
    P.turns[0] = [['e', chance(0.5) ? nextId++ : 0], ['kc']];
    if (P.ticks) for (let i = 0; i < 3; i++) P.turns[0].splice(ri(P.turns[0].length + 1), 0, ['nt', nextId++, ri(3)]);
  }
  P.react = {};
  if (re) for (const ev of REACTIONS) if (chance(ev === 'tick' ? 0.6 : 0.4)) P.react[ev] = Array.from({ length: 1 + ri(2) }, () => (ev === 'sink' ? genSinkOps(1 + ri(2), P) : genOps(1 + ri(3), ev === 'tick' && chance(0.5) ? { ...P, only: ['nt'] } : P)));
  return P;
}

let crashed = null;   // what to do when Node itself throws while a program runs
function runProgram(P, done) {
  const log = [];
  let w, opsLeft = 400;
  const pend = { k: [], kf: [], kc: [], kd: [] };
  let sinkIndex = 0, inReact = 0, lastDone = null;
  // quirk: set when Node itself shows one of the quirks that weir mends on purpose; the program is dropped.
  // The other variables are what the tests for them need to know.
  let quirk = null, over = false, told = false, early = false, finalSeen = false;
  let queued = 0, endWaiting = 0, sinkDepth = 0, batchDepth = 0;
  const drop = (q) => { quirk = quirk ?? q; };
  crashed = () => { over = true; setImmediate(() => done(null, quirk ?? 'crash')); };
  const state = () => w._writableState;
  function watch() {
    if ((w.destroyed || w.errored) && !w.writableFinished) early = true;
    const n = w.writableBuffer.length;
    queued = n;
  }
  const errText = (e) => (e ? (e.code ?? e.message) : '-');
  const snap = () => {
    watch();
    return `L${w.writableLength}N${+w.writableNeedDrain}E${+w.writableEnded}F${+w.writableFinished}K${w.writableCorked}D${+w.destroyed}C${+w.closed}X${errText(w.errored)}W${+w.writable}`;
  };
  const chunkOf = (id, size) => (P.objectMode ? { id } : Buffer.alloc(size, 97 + (id % 26)));
  const nameOf = (c) => (P.objectMode ? c.id : `${c.length ? String.fromCharCode(c[0]) : ''}${c.length}`);
  function finishMode(mode, slot, cb, label) {
    if (mode === 's') cb();
    else if (mode === 'ss') { cb(); cb(); }
    else if (mode === 'se') cb(new Error(label));
    else if (mode === 't') process.nextTick(cb);
    else if (mode === 'te') process.nextTick(cb, new Error(label));
    else pend[slot].push(cb);
  }
  function react(ev) {
    const q = P.react[ev];
    if (!q || !q.length || inReact > 2) return;
    const ops = q.shift();
    inReact++; for (const o of ops) doOp(o); inReact--;
  }
  function sinkCall(what, cb) {
    log.push(`${what}[${snap()}]`);
    if (w.errored) drop('Q-03');
    const mode = P.sink[sinkIndex++ % P.sink.length];
    const batch = +(what[0] === 'V');
    sinkDepth++; batchDepth += batch;
    react(mode[0] === 's' ? 'sink' : 'hold');
    if (mode[0] === 's' && queued && (mode === 'ss' || w.destroyed)) drop('Q-03');
    finishMode(mode, 'k', (e) => { lastDone = cb; cb(e); }, 'sinkfail');
    sinkDepth--; batchDepth -= batch;
  }
  const shared = (err) => { log.push(`cb:${errText(err)}[${snap()}]`); react('cb'); };
  function userTick(name, again) { log.push(name); if (again) process.nextTick(userTick, name, again - 1); react('tick'); }
  function doOp(o) {
    if (over || opsLeft-- <= 0) return;
    watch();
    const [op, id, size, cb] = o;
    let r = '';
    const mk = (i) => (err) => { log.push(`cb${i}:${errText(err)}[${snap()}]`); react('cb'); };
    const own = (i) => (cb === 2 ? shared : mk(i));
    log.push(`>${op}${id ?? ''}`);
    const was = { destroyed: w.destroyed, ended: w.writableEnded, errored: w.errored };
    let waiting = false;   // this end's callback was put on Node's list
    const mkEnd = (i) => { const f = mk(i); return (err) => { if (waiting) endWaiting--; f(err); }; };
    if ((op === 'w' || op === 'ew') && told && !P.autoDestroy && !was.ended && !was.destroyed) drop('Q-05');
    if ((op === 'w' || op === 'ew') && batchDepth && !was.ended && !was.destroyed) drop('Q-21');
    if (op === 'w') r = +(cb ? w.write(chunkOf(id, size), own(id)) : w.write(chunkOf(id, size)));
    else if (op === 'e') id ? w.end(mkEnd(id)) : w.end();
    else if (op === 'ew') cb ? w.end(chunkOf(id, size), mkEnd(id)) : w.end(chunkOf(id, size));
    else if (op === 'c') w.cork();
    else if (op === 'u') w.uncork();
    else if (op === 'd') w.destroy();
    else if (op === 'de') w.destroy(new Error('boom'));
    else if (op === 'nt') process.nextTick(userTick, `t${id}`, size);
    else if (op === 'kk') { if (!lastDone) r = 'none'; else { if (state().writing) drop('Q-07'); lastDone(); } }
    else { const slot = op.endsWith('e') && op !== 'e' ? op.slice(0, -1) : op; const f = pend[slot].shift(); if (f) f(op === slot ? undefined : new Error(`${slot}fail`)); else r = 'none'; }
    if ((op === 'e' && id) || (op === 'ew' && cb)) {
      waiting = !w.errored && !w.writableFinished && !(was.ended && (op === 'ew' || was.destroyed)) && !(was.destroyed && op === 'ew');
      if (waiting) { endWaiting++; if (w.destroyed) drop('Q-04'); }
    }
    watch();
    if ((op === 'u' || (was.ended && (op === 'e' || op === 'ew'))) && w.writableEnded && !finalSeen && !w.destroyed && !w.errored && !w.writableLength && !queued && state().constructed && !state().writing && !state().pendingcb && !sinkDepth) drop('Q-20');
    log.push(`<${r}[${snap()}]`);
  }
  const opt = { highWaterMark: P.hwm, objectMode: P.objectMode, autoDestroy: P.autoDestroy, emitClose: P.emitClose,
    write(c, enc, cb) { sinkCall(`W(${nameOf(c)})`, cb); } };
  if (P.writev) opt.writev = function(cs, cb) { sinkCall(`V(${cs.map((x) => nameOf(x.chunk)).join(',')})`, cb); };
  if (P.final !== 'none') opt.final = function(cb) { finalSeen = true; log.push(`final[${snap()}]`); finishMode(P.final, 'kf', cb, 'finalfail'); };
  if (P.construct !== 'none') opt.construct = function(cb) { log.push('construct'); finishMode(P.construct, 'kc', cb, 'constructfail'); };
  if (P.destroyMode !== 'none') opt.destroy = function(e, cb) {
    log.push(`_destroy:${errText(e)}[${snap()}]`);
    const m = P.destroyMode;
    const pass = (x) => cb(x ?? e);
    if (m === 's') pass(); else if (m === 'se') pass(new Error('destroyfail')); else if (m === 't') process.nextTick(pass);
    else if (m === 'te') process.nextTick(pass, new Error('destroyfail')); else pend.kd.push(pass);
  };
  w = new Writable(opt);
  w.once('finish', () => { if (early) drop('Q-08'); });
  for (const ev of ['drain', 'prefinish', 'finish', 'close']) w.on(ev, () => { if (ev === 'prefinish') finalSeen = true; log.push(`*${ev}[${snap()}]`); react(ev); });
  w.on('error', (e) => { watch(); if (!P.autoDestroy && (queued || endWaiting)) drop('Q-05'); told = true; log.push(`*error:${errText(e)}[${snap()}]`); react('error'); });
  log.push('new');
  let t = 0;
  if (P.now) for (const o of P.turns[t++]) doOp(o);
  const turn = () => {
    if (over) return;
    if (t >= P.turns.length) {  // two settling turns, so that late ticks are seen
      if (t++ < P.turns.length + 2) { log.push('|'); return setImmediate(turn); }
      over = true;
      return done(quirk ? null : log.join(' '), quirk);
    }
    log.push('|');
    for (const o of P.turns[t]) doOp(o);
    t++; setImmediate(turn);
  };
  setImmediate(turn);
}

const lua = (v) => {
  if (v === null || v === undefined) return 'nil';
  if (typeof v === 'string') return JSON.stringify(v);
  if (typeof v === 'number' || typeof v === 'boolean') return String(v);
  if (Array.isArray(v)) return `{${v.map(lua).join(',')}}`;
  return `{${Object.entries(v).map(([k, x]) => `${k}=${lua(x)}`).join(',')}}`;
};
process.on('uncaughtException', (e) => { if (process.env.ORACLE_DEBUG) console.error(e); crashed(); });
// A state without what did not change: "[L3N0...W1] [L4N0...W1]" becomes "[L3N0...W1] [L4]".
function shorten(trace) {
  let before = {};
  return trace.replace(/\[L(-?\d+)N(\d)E(\d)F(\d)K(\d+)D(\d)C(\d)X(.*?)W(\d)\]/g, (_, ...values) => {
    const now = Object.fromEntries([...'LNEFKDCXW'].map((name, i) => [name, values[i]]));
    const changed = Object.keys(now).filter((name) => now[name] !== before[name]);
    before = now;
    return `[${changed.map((name) => name + now[name]).join('')}]`;
  });
}

const dropped = {};
let kept = 0;
const lf = fs.openSync(`${out}.lua`, 'w'), ef = fs.openSync(`${out}.expected`, 'w');
(function next() {
  if (kept >= count) {
    fs.closeSync(lf); fs.closeSync(ef);
    console.log(`${kept} programs kept; dropped for a mended quirk: ${JSON.stringify(dropped)}`);
    return;
  }
  const P = genProgram();
  const text = `return ${lua(P)}\n`;
  runProgram(P, (trace, quirk) => {
    if (quirk) dropped[quirk] = (dropped[quirk] ?? 0) + 1;
    else { kept++; fs.writeSync(lf, text); fs.writeSync(ef, (args.short ? shorten(trace) : trace) + '\n'); }
    next();
  });
})();
