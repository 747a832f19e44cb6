/*
 * Fibres: stacks that take turns on one host thread. A switch saves the registers that a function call
 * must keep and goes on where the other stack left off. Written by hand for x86-64 and aarch64, ucontext
 * elsewhere. A fibre is never unwound: one that is left behind is simply started anew.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
/* Registers below, then the address of the code to go on with. */
asm(".text\n"
    "kerf_fibre_switch:\n"
    "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
    "  movq %rsp, (%rdi)\n"
    "  movq %rsi, %rsp\n"
    "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
    "  ret\n");
#define KERF_FIBRE_WORDS 8 /* of a stack that has not run: six registers, the start, a zero above it */
#define KERF_FIBRE_START 6
#elif defined(__aarch64__)
asm(".text\n"
    "kerf_fibre_switch:\n"
    "  sub sp, sp, #160\n"
    "  stp x19, x20, [sp]\n  stp x21, x22, [sp, #16]\n  stp x23, x24, [sp, #32]\n"
    "  stp x25, x26, [sp, #48]\n  stp x27, x28, [sp, #64]\n  stp x29, x30, [sp, #80]\n"
    "  stp d8, d9, [sp, #96]\n  stp d10, d11, [sp, #112]\n"
    "  stp d12, d13, [sp, #128]\n  stp d14, d15, [sp, #144]\n"
    "  mov x2, sp\n  str x2, [x0]\n  mov sp, x1\n"
    "  ldp x19, x20, [sp]\n  ldp x21, x22, [sp, #16]\n  ldp x23, x24, [sp, #32]\n"
    "  ldp x25, x26, [sp, #48]\n  ldp x27, x28, [sp, #64]\n  ldp x29, x30, [sp, #80]\n"
    "  ldp d8, d9, [sp, #96]\n  ldp d10, d11, [sp, #112]\n"
    "  ldp d12, d13, [sp, #128]\n  ldp d14, d15, [sp, #144]\n"
    "  add sp, sp, #160\n"
    "  ret\n");
#define KERF_FIBRE_WORDS 20
#define KERF_FIBRE_START 11
#else
#include <ucontext.h>
#endif

/* Bytes of a fibre's stack: kernels do not recurse, and their arrays are a GPU's registers. */
static const size_t FIBRE_STACK = 64 << 10;

#if defined(KERF_FIBRE_WORDS)

extern "C" void kerf_fibre_switch(void **from, void *to) asm("kerf_fibre_switch");

/* Where a stack that is not running goes on: its stack pointer. */
struct fibre {
  void *stack_pointer;
};

static inline void fibre_switch(fibre *from, fibre *to)
{
  kerf_fibre_switch(&from->stack_pointer, to->stack_pointer);
}

/* Makes the next switch to `self` call `start`, which never returns. */
static inline void fibre_prepare(fibre *self, char *stack, void (*start)())
{
  uintptr_t *words = (uintptr_t *)(stack + FIBRE_STACK) - KERF_FIBRE_WORDS;
  for (int i = 0; i < KERF_FIBRE_WORDS; i++) words[i] = 0;
  words[KERF_FIBRE_START] = (uintptr_t)start;
  self->stack_pointer = words;
}

#else

struct fibre {
  ucontext_t context;
};

static inline void fibre_switch(fibre *from, fibre *to) { swapcontext(&from->context, &to->context); }

static inline void fibre_prepare(fibre *self, char *stack, void (*start)())
{
  getcontext(&self->context);
  self->context.uc_stack.ss_sp = stack;
  self->context.uc_stack.ss_size = FIBRE_STACK;
  self->context.uc_link = nullptr;
  makecontext(&self->context, start, 0);
}

#endif
