'use strict';
// Differential oracle for the readable side and for what composes streams, Node side. Output as that
// of gen.js: <out>.lua and <out>.expected.
// Usage: node gen_pipe.js --seed N --count N --out PREFIX [--profile NAME] [--short]
// --short leaves out of each state the parts that are as in the state before.
// README.md explains profiles, programs and traces.
const { Readable, Writable, Duplex, Transform, PassThrough, pipeline, finished } = require('stream');
const fs = require('fs');
const args = Object.fromEntries(process.argv.slice(2).join(' ').split('--').filter(Boolean)
  .map((s) => s.trim().split(/\s+/)).map(([k, v]) => [k, v ?? true]));
const seed = Number(args.seed ?? 1), count = Number(args.count ?? 1000);
const out = args.out ?? 'programs', profile = args.profile ?? 'pipe';
let s = (seed * 0x9E3779B1) >>> 0;
function rnd() { s = (s + 0x6D2B79F5) >>> 0; let t = s; t = Math.imul(t ^ (t >>> 15), t | 1); t ^= t + Math.imul(t ^ (t >>> 7), t | 61); return ((t ^ (t >>> 14)) >>> 0) / 4294967296; }
const ri = (n) => Math.floor(rnd() * n), chance = (p) => rnd() < p, pick = (a) => a[ri(a.length)];
function weighted(pairs) { let t = 0; for (const [, w] of pairs) t += w; let x = rnd() * t; for (const [v, w] of pairs) { if ((x -= w) < 0) return v; } return pairs[0][0]; }
const err = (e) => (e ? (e.code ?? e.message) : '-');

// Node computes what a read returns before it calls _read, and does not look again when _read left without a push:
// data consumed inside _read (a read in a handler that runs there) is then counted twice, the length goes negative.
function watchReads(st, say) {
  let inside = 0;
  const read = st.read, hook = st._read;
  st.read = function(n) { const c = read.call(st, n); if (inside && c !== null) say('C-02'); return c; };
  st._read = function(n) { inside++; try { return hook.call(st, n); } finally { inside--; } };
}
// Writes and ends from inside the stream's own sink call, and sink calls after a failure: quirks 1 to 3 of the writable.
function watchWrites(st, say) {
  let inside = 0;
  for (const m of ['_write', '_writev']) if (typeof st[m] === 'function') {
    const f = st[m];
    st[m] = function(...a) { if (st.errored) say('Q-03'); inside++; try { return f.apply(st, a); } finally { inside--; } };
  }
  // destroy() without an error inside a flush: Node fails the rest of it one by one and records ERR_STREAM_DESTROYED.
  const destroy = st.destroy;
  st.destroy = function(...a) { if (inside && st.writableBuffer.length) say('C-18'); return destroy.apply(st, a); };
  // An error without auto_destroy: Node leaves what is queued where it is, weir fails it.
  st.prependListener('error', () => { if (!st._writableState.autoDestroy && st.writableBuffer.length) say('Q-05'); });
  for (const m of ['write', 'end']) { const f = st[m]; st[m] = function(...a) { if (inside) say('Q-01'); return f.apply(st, a); }; }
}
let broken = () => false;   // an exception in Node after such a quirk only drops the program

// ---- chains: pipe, pipeline, faults, fanout, handlers ------------------------------------------------------------
function genProgram() {
  const fanout = profile === 'fanout', handlers = profile === 'handlers';
  const faults = profile === 'faults' || handlers || (fanout && chance(0.4));
  const P = { srcHwm: pick([1, 4, 8, 16]), dstHwm: pick([1, 4, 8, 16]), objectMode: chance(0.2), writev: chance(0.3),
    transform: chance(fanout ? 0.2 : 0.4), join: profile === 'pipe' || fanout ? 'pipe' : profile === 'pipeline' ? 'pipeline' : pick(['pipe', 'pipeline']), watch: chance(0.5), end: chance(0.9) };
  // what each _read does: push k chunks at once / on the next tick / nothing (a later step pushes) / end
  P.source = Array.from({ length: 24 }, () => weighted([['s1', 4], ['s2', 2], ['t1', 3], ['-', 2], ['n', 0.3]]));
  const sink = () => Array.from({ length: 24 }, () => weighted([['s', 3], ['t', 3], ['m', 4], ['se', faults ? 0.3 : 0], ['te', faults ? 0.3 : 0]]));
  P.sink = sink();
  P.tr = Array.from({ length: 24 }, () => weighted([['s', 4], ['t', 2], ['m', 2], ['drop', 1], ['dup', 1], ['se', faults ? 0.2 : 0]]));
  P.flush = pick(['none', 's', 't']);
  const pipes = P.join === 'pipe' ? 1 : 0, two = fanout ? 1 : 0, more = fanout || handlers ? 1 : 0;
  const op = () => [weighted([['p', 8], ['pn', 1], ['k', 14], ['ke', faults ? 0.6 : 0], ['tk', P.transform ? 8 : 0], ['pa', 1], ['re', 1.5],
    ['up', pipes], ['pi', pipes], ['ds', faults ? 0.4 : 0], ['dse', faults ? 0.4 : 0], ['dd', faults ? 0.4 : 0], ['dde', faults ? 0.4 : 0],
    ['k2', two * 12], ['ke2', two && faults ? 0.5 : 0], ['up2', two], ['pi2', two * 1.5], ['upa', more * 0.5], ['dd2', two && faults ? 0.3 : 0],
    ['ld', more], ['xd', more], ['rd', more], ['u', more * 0.5]]), pick([1, 2, 3, 5, 8])];
  P.turns = Array.from({ length: 2 + ri(6) }, () => Array.from({ length: 1 + ri(4) }, op));
  if (chance(0.8)) { P.turns.push([['pn', 1]]); for (let i = 0; i < 14; i++) P.turns.push(fanout ? [['k', 1], ['k2', 1]] : [['k', 1]], [['tk', 1]]); }
  if (fanout) { P.second = { hwm: pick([1, 4, 8, 16]), sink: sink(), end: chance(0.8), first: chance(0.3) }; P.listen = chance(0.2); }
  if (more) P.autoDestroy = chance(0.85);
  if (handlers || (fanout && chance(0.4))) {
    P.react = {};
    // a push inside the sink's own call would nest writes, where weir mends quirks 1 and 2 of the writable
    const inSink = () => [weighted([['up', pipes], ['upa', pipes], ['pa', 1], ['re', 1], ['dd', 0.3], ['ds', 0.3]]), 1];
    for (const ev of ['s.data', 's.end', 's.pause', 's.resume', 's.close', 's.error', 'd.pipe', 'd.unpipe', 'd.drain', 'd.finish', 'd.close', 'd.error', 't.drain', 'e.drain', 'sink', 'R'])
      if (chance(0.25)) P.react[ev] = Array.from({ length: 1 + ri(3) }, () => Array.from({ length: 1 + ri(2) }, ev === 'sink' ? inSink : op));
  }
  return P;
}

function runProgram(P, done) {
  const log = [];
  let chunkId = 0, srcIndex = 0, sinkIndex = 0, sinkIndex2 = 0, trIndex = 0, srcEnded = false, quirk = null, ops = 300, inReact = 0;
  const pendK = [], pendK2 = [], pendT = [];
  const piped = {};   // which destinations the source is joined to now
  const rs = (r) => `l${r.readableLength}f${r.readableFlowing === null ? 'n' : +r.readableFlowing}e${+r.readableEnded}d${+r.destroyed}x${err(r.errored)}`;
  const ws = (w) => `L${w.writableLength}N${+w.writableNeedDrain}E${+w.writableEnded}F${+w.writableFinished}D${+w.destroyed}X${err(w.errored)}`;
  const snap = () => `[${rs(src)}${tr ? '/' + ws(tr) + rs(tr) : ''}/${ws(dst)}${dst2 ? '/' + ws(dst2) : ''}]`;
  const mk = (size) => { const id = ++chunkId; return P.objectMode ? { id } : Buffer.alloc(size, 97 + (id % 26)); };
  const name = (c) => (P.objectMode ? c.id : `${String.fromCharCode(c[0])}${c.length}`);
  const push = (size) => { if (srcEnded || src.destroyed) return 'no'; return +src.push(mk(size)); };
  const pushNull = () => { if (srcEnded || src.destroyed) return 'no'; srcEnded = true; return +src.push(null); };
  function react(ev) {
    const q = P.react && P.react[ev];
    if (!q || !q.length || inReact > 2) return;
    const list = q.shift();
    inReact++; for (const o of list) doOp(o); inReact--;
  }
  const src = new Readable({ highWaterMark: P.srcHwm, objectMode: P.objectMode, autoDestroy: P.autoDestroy, read() {
    const a = P.source[srcIndex++ % P.source.length];
    log.push(`R:${a}`);
    react('R');
    if (chunkId > 40) { pushNull(); return; }
    if (a === 's1') push(2 + (chunkId % 3));
    else if (a === 's2') { push(1); push(3); }
    else if (a === 't1') process.nextTick(() => push(2));
    else if (a === 'n') pushNull();
  } });
  function complete(m, cb, pend) {
    if (m === 's') cb(); else if (m === 't') process.nextTick(cb); else if (m === 'se') cb(new Error('sinkfail')); else if (m === 'te') process.nextTick(cb, new Error('sinkfail')); else pend.push(cb);
  }
  function sinkCall(what, cb) {
    log.push(what);
    const m = P.sink[sinkIndex++ % P.sink.length];
    react('sink');
    complete(m, cb, pendK);
  }
  const dopt = { highWaterMark: P.dstHwm, objectMode: P.objectMode, autoDestroy: P.autoDestroy, write(c, e, cb) { sinkCall(`W(${name(c)})`, cb); } };
  if (P.writev) dopt.writev = (cs, cb) => sinkCall(`V(${cs.map((x) => name(x.chunk)).join(',')})`, cb);
  const dst = new Writable(dopt);
  let dst2 = null;
  if (P.second) dst2 = new Writable({ highWaterMark: P.second.hwm, objectMode: P.objectMode, write(c, e, cb) {
    log.push(`Y(${name(c)})`);
    complete(P.second.sink[sinkIndex2++ % P.second.sink.length], cb, pendK2);
  } });
  let tr = null;
  if (P.transform) {
    const topt = { highWaterMark: P.dstHwm, objectMode: P.objectMode, autoDestroy: P.autoDestroy, transform(c, e, cb) {
      const m = P.tr[trIndex++ % P.tr.length];
      log.push(`T(${name(c)}):${m}`);
      if (m === 's') cb(null, c); else if (m === 't') process.nextTick(() => cb(null, c)); else if (m === 'drop') cb();
      else if (m === 'dup') { this.push(c); cb(null, c); } else if (m === 'se') cb(new Error('trfail')); else pendT.push(() => cb(null, c));
    } };
    if (P.flush !== 'none') topt.flush = function(cb) { log.push(`flush:${P.flush}`); const c = mk(2); if (P.flush === 's') cb(null, c); else process.nextTick(() => cb(null, c)); };
    tr = new Transform(topt);
  }
  const first = tr ?? dst, say = (q) => { quirk = q; };
  broken = () => quirk !== null;
  watchReads(src, say);
  if (tr) watchReads(tr, say);
  for (const st of [tr, dst, dst2]) if (st) {   // writes that meet a quirk weir mends; seen where they happen
    watchWrites(st, say);
    const write = st.write;
    st.write = function(c) {
      if (st.errored && !st.destroyed && P.autoDestroy === false) quirk = 'Q-05';
      return write.call(st, c);
    };
    st.prependOnceListener('finish', () => { if (st.destroyed || st.errored) quirk = 'Q-08'; });
  }
  const watchEv = (n, st, evs) => { for (const ev of evs) st.on(ev, (a) => { log.push(`*${n}.${ev}${ev === 'error' ? ':' + err(a) : ''}${snap()}`); react(`${n}.${ev}`); }); };
  watchEv('s', src, ['end', 'close', 'error', 'pause', 'resume']);
  if (tr) watchEv('t', tr, ['pipe', 'unpipe', 'drain', 'finish', 'end', 'close', 'error']);
  watchEv('d', dst, ['pipe', 'unpipe', 'drain', 'finish', 'close', 'error']);
  if (dst2) watchEv('e', dst2, ['pipe', 'unpipe', 'drain', 'finish', 'close', 'error']);
  first.on('pipe', () => { piped.d = true; }); first.on('unpipe', () => { piped.d = false; });
  if (dst2) { dst2.on('pipe', () => { piped.e = true; }); dst2.on('unpipe', () => { piped.e = false; }); }
  const said = (n, st) => (e) => {
    if (!e && st && st.destroyed && st.writableFinished === false) quirk = 'C-01';   // told as success, never finished
    log.push(`!${n}:${err(e)}`);
  };
  if (P.watch) for (const [n, st] of [['s', src], ['t', tr], ['d', dst], ['e', dst2]]) if (st) finished(st, said(`fin.${n}`, st));
  const onData = (c) => { log.push(`D(${name(c)})`); react('s.data'); };
  const pipe2 = () => src.pipe(dst2, { end: P.second.end });
  if (P.second && P.second.first) pipe2();
  if (P.join === 'pipe') { if (tr) { src.pipe(tr); tr.pipe(dst, { end: P.end }); } else src.pipe(dst, { end: P.end }); }
  else pipeline(...[src, tr, dst].filter(Boolean), said('pipeline', dst));
  if (P.second && !P.second.first) pipe2();
  if (P.listen || (P.react && P.react['s.data'])) src.on('data', onData);
  function doOp([op, n]) {
    if (ops-- <= 0) return;
    let r = '';
    log.push(`>${op}`);
    if (op === 'p') r = push(n); else if (op === 'pn') r = pushNull();
    else if (op === 'k' || op === 'ke') { const f = pendK.shift(); if (f) f(op === 'ke' ? new Error('kfail') : undefined); else r = 'none'; }
    else if (op === 'k2' || op === 'ke2') { const f = pendK2.shift(); if (f) f(op === 'ke2' ? new Error('kfail') : undefined); else r = 'none'; }
    else if (op === 'tk') { const f = pendT.shift(); if (f) f(); else r = 'none'; }
    else if (op === 'pa') src.pause(); else if (op === 're') src.resume();
    else if (op === 'up') src.unpipe(first); else if (op === 'up2') src.unpipe(dst2); else if (op === 'upa') src.unpipe();
    else if (op === 'pi') { if (!piped.d && !first.writableEnded && !first.destroyed) src.pipe(first, { end: P.end }); }
    else if (op === 'pi2') { if (!piped.e && !dst2.writableEnded && !dst2.destroyed) pipe2(); }
    else if (op === 'ds') src.destroy(); else if (op === 'dse') src.destroy(new Error('sboom')); else if (op === 'dd') dst.destroy(); else if (op === 'dde') dst.destroy(new Error('dboom'));
    else if (op === 'dd2') dst2.destroy();
    else if (op === 'ld') src.on('data', onData); else if (op === 'xd') src.off('data', onData);
    else if (op === 'rd') { const c = src.read(n); r = c === null ? 'nil' : name(c); }
    else if (op === 'u') { if (!src.readableEnded && !src.destroyed) r = +src.unshift(mk(n)); else r = 'no'; }
    log.push(`<${r}${snap()}`);
  }
  let t = 0;
  const turn = () => {
    if (t >= P.turns.length) { if (t++ < P.turns.length + 2) { log.push('|'); return setImmediate(turn); } return done(quirk ? null : log.join(' '), quirk); }
    log.push('|'); setImmediate(turn); for (const o of P.turns[t++]) doOp(o);
  };
  setImmediate(turn);
}

// ---- one stream by itself: paused ----------------------------------------------------------------------------------
function genSingle() {
  const kind = weighted([['readable', 5], ['transform', 3], ['duplex', 2], ['passthrough', 0.5]]), w = kind !== 'readable', faults = chance(0.3);
  const P = { kind, hwm: pick([0, 1, 3, 4, 8, 16]), objectMode: chance(0.25), autoDestroy: chance(0.8), emitClose: chance(0.9), half: chance(0.7), writev: chance(0.2),
    construct: weighted([['none', 8], ['s', 1], ['t', 1], ['m', 1], ['se', faults ? 1 : 0]]), final: kind === 'duplex' ? pick(['none', 's', 't']) : 'none', flush: pick(['none', 's', 't', faults ? 'se' : 's']), watch: chance(0.3) };
  if (w && chance(0.3)) P.whwm = pick([0, 1, 4, 8]);
  const empties = chance(0.15) ? 8 : 0.5;   // a hook that keeps pushing nothing
  P.source = Array.from({ length: 24 }, () => weighted([['s1', 4], ['s2', 2], ['t1', 3], ['t2', 1], ['-', 3], ['e', empties], ['n', 0.4], ['sn', 0.3], ['x', faults ? 0.2 : 0]]));
  P.sink = Array.from({ length: 24 }, () => weighted([['s', 4], ['t', 3], ['m', 3], ['drop', 1], ['dup', 1], ['end', 0.15], ['se', faults ? 0.3 : 0], ['te', faults ? 0.3 : 0]]));
  P.readable = Array.from({ length: 24 }, () => pick(['all', 'all', 'one', '1', '2', '3', '5', '-']));   // what each `readable` handler does
  const sizes = [0, 1, 2, 3, 4, 5, 8, 12, 20];
  const op = () => [weighted([['p', w && kind !== 'duplex' ? 0.3 : 8], ['pn', kind === 'readable' || kind === 'duplex' ? 0.8 : 0.1], ['pe', 0.5], ['pz', faults ? 0.4 : 0], ['u', 1.5], ['rd', 7], ['ra', 3], ['pa', 1.2], ['re', 1.5],
    ['lr', 1.8], ['or', 0.8], ['xr', 1], ['xra', 0.3], ['ld', 1.6], ['od', 0.7], ['xd', 1], ['w', w ? 10 : 0], ['e', w ? 0.8 : 0], ['k', w ? 6 : 0], ['kc', P.construct === 'm' ? 5 : 0],
    ['ds', faults ? 0.5 : 0.1], ['dse', faults ? 0.5 : 0], ['fin', 0.6]]), pick(sizes)];
  P.turns = Array.from({ length: 3 + ri(8) }, () => Array.from({ length: 1 + ri(5) }, op));
  if (chance(0.7)) { P.turns.push([[w ? 'e' : 'pn', 1], ['kc', 1]]); if (kind === 'duplex') P.turns.push([['pn', 1]]); for (let i = 0; i < 8; i++) P.turns.push([['k', 1]], [[pick(['ra', 'rd', 're']), pick([1, 5, 20])]]); }
  P.react = {};
  if (chance(0.5)) for (const ev of ['data', 'readable', 'end', 'close', 'error', 'finish', 'pause', 'resume', 'drain', 'R', 'W'])
    if (chance(0.25)) P.react[ev] = Array.from({ length: 1 + ri(3) }, () => Array.from({ length: 1 + ri(2) }, op));
  return P;
}

function runSingle(P, done) {
  const log = [];
  let chunkId = 0, srcIndex = 0, sinkIndex = 0, readIndex = 0, eof = false, quirk = null, ops = 250, inReact = 0, fins = 0;
  const pend = [], pendC = [];
  const two = P.kind !== 'readable';
  const snap = () => `[l${st.readableLength}f${st.readableFlowing === null ? 'n' : +st.readableFlowing}p${+st.isPaused()}h${st.readableHighWaterMark}e${+st.readableEnded}r${+st.readable}d${+st.destroyed}c${+st.closed}x${err(st.errored)}a${+st.readableAborted}${two ? `/L${st.writableLength}N${+st.writableNeedDrain}E${+st.writableEnded}F${+st.writableFinished}W${+st.writable}` : ''}]`;
  const mk = (size) => { const id = ++chunkId; return P.objectMode ? { id } : Buffer.alloc(size, 97 + (id % 26)); };
  const name = (c) => (P.objectMode ? c.id : c.toString('latin1'));
  const push = (size) => (eof || st.destroyed || (size === 0 && !P.objectMode) ? 'no' : +st.push(mk(size)));
  const pushNull = () => { if (eof || st.destroyed) return 'no'; eof = true; return +st.push(null); };
  function react(ev) {
    const q = P.react[ev];
    if (!q || !q.length || inReact > 2) return;
    const list = q.shift();
    inReact++; for (const o of list) doOp(o); inReact--;
  }
  function read() {
    const a = P.source[srcIndex++ % P.source.length];
    log.push(`R:${a}`);
    react('R');
    if (chunkId > 60) { pushNull(); return; }
    if (a === 's1') push(2 + (chunkId % 3));
    else if (a === 's2') { push(1); push(3); }
    else if (a === 't1') process.nextTick(() => push(2));
    else if (a === 't2') process.nextTick(() => { push(1); push(4); });
    else if (a === 'e') { if (!P.objectMode && !eof) st.push(''); }
    else if (a === 'n') pushNull();
    else if (a === 'sn') { push(3); pushNull(); }
    else if (a === 'x') throw new Error('readfail');
  }
  function sinkCall(what, chunk, cb) {
    const m = P.sink[sinkIndex++ % P.sink.length];
    log.push(`${what}:${m}${snap()}`);
    react('W');
    const ok = P.kind === 'transform' && chunk ? () => cb(null, chunk) : () => cb();
    if (m === 's') ok(); else if (m === 't') process.nextTick(ok); else if (m === 'drop') cb();
    else if (m === 'dup') { if (P.kind === 'transform' && !eof && !st.destroyed) st.push(chunk); ok(); }
    else if (m === 'end') { if (P.kind === 'transform') { pushNull(); cb(); } else ok(); }
    else if (m === 'se') cb(new Error('sinkfail')); else if (m === 'te') process.nextTick(cb, new Error('sinkfail')); else pend.push(ok);
  }
  const opt = { objectMode: P.objectMode, autoDestroy: P.autoDestroy, emitClose: P.emitClose, allowHalfOpen: P.half };
  if (P.whwm !== undefined) { opt.readableHighWaterMark = P.hwm; opt.writableHighWaterMark = P.whwm; } else opt.highWaterMark = P.hwm;
  if (P.construct !== 'none') opt.construct = (cb) => {
    log.push(`construct:${P.construct}`);
    if (P.construct === 's') cb(); else if (P.construct === 't') process.nextTick(cb); else if (P.construct === 'se') cb(new Error('constructfail')); else pendC.push(cb);
  };
  let st;
  if (P.kind === 'readable') st = new Readable({ ...opt, read });
  else if (P.kind === 'duplex') {
    opt.read = read;
    opt.write = (c, e, cb) => sinkCall(`W(${name(c)})`, null, cb);
    if (P.writev) opt.writev = (cs, cb) => sinkCall(`V(${cs.map((x) => name(x.chunk)).join(',')})`, null, cb);
    if (P.final !== 'none') opt.final = (cb) => { log.push(`final:${P.final}`); if (P.final === 's') cb(); else process.nextTick(cb); };
    st = new Duplex(opt);
  } else if (P.kind === 'transform') {
    opt.transform = (c, e, cb) => sinkCall(`T(${name(c)})`, c, cb);
    if (P.flush !== 'none') opt.flush = (cb) => {
      log.push(`flush:${P.flush}`);
      if (eof) return cb();
      const c = mk(2);
      if (P.flush === 's') cb(null, c); else if (P.flush === 'se') cb(new Error('flushfail')); else process.nextTick(() => cb(null, c));
    };
    st = new Transform(opt);
  } else st = new PassThrough(opt);
  broken = () => quirk !== null;
  const say = (q) => { quirk = q; };
  watchReads(st, say);
  if (two) watchWrites(st, say);
  // Also mended: writes to a failed stream (Q-05), a finish after destroy (Q-08), success told of a stream that never finished (C-01).
  if (two) st.prependOnceListener('finish', () => { if (st.destroyed || st.errored) quirk = 'Q-08'; });
  const watch = (ev) => st.on(ev, (a) => { log.push(`*${ev}${ev === 'error' ? ':' + err(a) : ''}${snap()}`); react(ev); });
  for (const ev of ['end', 'close', 'error', 'pause', 'resume', 'finish', 'drain', 'prefinish']) watch(ev);
  const onData = (c) => { log.push(`*data(${name(c)})${snap()}`); react('data'); };
  const onReadable = () => {
    const m = P.readable[readIndex++ % P.readable.length];
    log.push(`*readable:${m}${snap()}`);
    react('readable');
    if (m === 'all') { let c; while ((c = st.read()) !== null) log.push(`got(${name(c)})`); }
    else if (m !== '-') { const c = m === 'one' ? st.read() : st.read(Number(m)); log.push(`got(${c === null ? 'nil' : name(c)})`); }
  };
  const fin = (opts) => { const id = ++fins; finished(st, opts, (e) => {
    if (!e && two && st.destroyed && !st.writableFinished && opts.writable !== false) quirk = 'C-01';
    log.push(`!fin${id}:${err(e)}${snap()}`);
  }); };
  if (P.watch) fin({});
  function doOp([op, n]) {
    if (ops-- <= 0) return;
    let r = '';
    log.push(`>${op}${n}`);
    if (op === 'p') r = push(n); else if (op === 'pn') r = pushNull();
    else if (op === 'pe') { if (!P.objectMode && !st.destroyed && !eof) r = +st.push(''); }
    else if (op === 'pz') { if (n > 3) r = +st.push(mk(n)); }        // also after the end of input
    else if (op === 'u') { if (n > 0 && !st.readableEnded && !st.destroyed) r = +st.unshift(mk(n)); }
    else if (op === 'rd' || op === 'ra') { const c = op === 'rd' ? st.read(n) : st.read(); r = c === null ? 'nil' : name(c); }
    else if (op === 'pa') st.pause(); else if (op === 're') st.resume();
    else if (op === 'lr') st.on('readable', onReadable); else if (op === 'or') st.once('readable', onReadable);
    else if (op === 'xr') st.off('readable', onReadable); else if (op === 'xra') st.removeAllListeners('readable');
    else if (op === 'ld') st.on('data', onData); else if (op === 'od') st.once('data', onData); else if (op === 'xd') st.off('data', onData);
    else if (op === 'w') {
      if (!st.writableEnded && !st.destroyed && !(n === 0 && !P.objectMode)) { if (st.errored) quirk = 'Q-05'; r = +st.write(mk(n)); }
    } else if (op === 'e') { if (!st.destroyed) st.end(); }
    else if (op === 'k') { const f = pend.shift(); if (f) f(); else r = 'none'; }
    else if (op === 'kc') { const f = pendC.shift(); if (f) f(); else r = 'none'; }
    else if (op === 'ds') st.destroy(); else if (op === 'dse') st.destroy(new Error('boom'));
    else if (op === 'fin') fin(n === 0 ? { readable: false } : n === 1 ? { writable: false } : n === 2 ? { error: false } : {});
    log.push(`<${r}${snap()}`);
  }
  let t = 0;
  const turn = () => {
    if (t >= P.turns.length) { if (t++ < P.turns.length + 2) { log.push('|'); return setImmediate(turn); } return done(quirk ? null : log.join(' '), quirk); }
    log.push('|'); setImmediate(turn); for (const o of P.turns[t++]) doOp(o);
  };
  setImmediate(turn);
}

const lua = (v) => {
  if (v === null || v === undefined) return 'nil';
  if (typeof v === 'string') return JSON.stringify(v);
  if (typeof v === 'number' || typeof v === 'boolean') return String(v);
  if (Array.isArray(v)) return `{${v.map(lua).join(',')}}`;
  const key = (k) => (/^[a-zA-Z]\w*$/.test(k) && k !== 'end' ? k : `["${k}"]`);
  return `{${Object.entries(v).map(([k, x]) => `${key(k)}=${lua(x)}`).join(',')}}`;
};
// "[a/b] [a/c]" becomes "[a/b] [/c]".
function shorten(trace) {
  let before = [];
  return trace.replace(/\[([^\]]*)\]/g, (_, state) => {
    const now = state.split('/');
    const changed = now.map((part, i) => (part === before[i] ? '' : part));
    before = now;
    return `[${changed.join('/')}]`;
  });
}
let current = '';
process.on('uncaughtException', (e) => { if (broken()) return; console.error('uncaught', e, current); process.exit(1); });
const dropped = {}; let kept = 0;
const lf = fs.openSync(`${out}.lua`, 'w'), ef = fs.openSync(`${out}.expected`, 'w');
(function next() {
  if (kept >= count) { fs.closeSync(lf); fs.closeSync(ef); console.log(`${kept} programs kept; dropped for a mended quirk: ${JSON.stringify(dropped)}`); return; }
  const single = profile === 'paused';
  const P = single ? genSingle() : genProgram(), text = `return ${lua(P)}\n`;
  current = text;
  (single ? runSingle : runProgram)(P, (trace, quirk) => { if (quirk) dropped[quirk] = (dropped[quirk] ?? 0) + 1; else { kept++; fs.writeSync(lf, text); fs.writeSync(ef, (args.short ? shorten(trace) : trace) + '\n'); } next(); });
})();
