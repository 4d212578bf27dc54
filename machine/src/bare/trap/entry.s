# The ways from ring 3 to the kernel and back.
#
# While the program runs, the kernel waits inside `enter_user`, as in a call: every trap stores the program's registers
# where `enter_user` was told to find them, takes up the kernel's stack, and returns from that call. So no kernel state
# but the callee-saved registers crosses, and they are on the stack.
#
# %gs is the processor's own block while the kernel runs (see trap/mod.rs, `Processor`), and the program's while it runs.

    .set KERNEL_STACK, 0
    .set REGISTERS, 8
    .set SCRATCH, 16
    .set VECTOR, 24
    .set CODE, 32
    .set ADDRESS, 40

    .set RAX, 256
    .set RBX, 264
    .set RCX, 272
    .set RDX, 280
    .set RSI, 288
    .set RDI, 296
    .set RBP, 304
    .set RSP, 312
    .set R8, 320
    .set R9, 328
    .set R10, 336
    .set R11, 344
    .set R12, 352
    .set R13, 360
    .set R14, 368
    .set R15, 376
    .set RIP, 384
    .set RFLAGS, 392

    .set KERNEL_DATA, 0x10
    .set USER_CODE, 0x33
    .set USER_DATA, 0x2b

# Stores all but rsp, rip, rflags and the x87 state (see fpu.rs) to the registers at %rax; the program's rax is in SCRATCH. Changes rbx.
    .macro save_registers
    mov %rbx, RBX(%rax)
    mov %rcx, RCX(%rax)
    mov %rdx, RDX(%rax)
    mov %rsi, RSI(%rax)
    mov %rdi, RDI(%rax)
    mov %rbp, RBP(%rax)
    mov %r8, R8(%rax)
    mov %r9, R9(%rax)
    mov %r10, R10(%rax)
    mov %r11, R11(%rax)
    mov %r12, R12(%rax)
    mov %r13, R13(%rax)
    mov %r14, R14(%rax)
    mov %r15, R15(%rax)
    mov %gs:SCRATCH, %rbx
    mov %rbx, RAX(%rax)
    movaps %xmm0, 0(%rax)
    movaps %xmm1, 16(%rax)
    movaps %xmm2, 32(%rax)
    movaps %xmm3, 48(%rax)
    movaps %xmm4, 64(%rax)
    movaps %xmm5, 80(%rax)
    movaps %xmm6, 96(%rax)
    movaps %xmm7, 112(%rax)
    movaps %xmm8, 128(%rax)
    movaps %xmm9, 144(%rax)
    movaps %xmm10, 160(%rax)
    movaps %xmm11, 176(%rax)
    movaps %xmm12, 192(%rax)
    movaps %xmm13, 208(%rax)
    movaps %xmm14, 224(%rax)
    movaps %xmm15, 240(%rax)
    .endm

    .text

# fn enter_user(registers: *mut Registers) -> u64: 0 after a system call, 1 after an exception or interrupt.
    .globl enter_user
enter_user:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, %gs:KERNEL_STACK
    mov %rdi, %gs:REGISTERS
    movaps 0(%rdi), %xmm0
    movaps 16(%rdi), %xmm1
    movaps 32(%rdi), %xmm2
    movaps 48(%rdi), %xmm3
    movaps 64(%rdi), %xmm4
    movaps 80(%rdi), %xmm5
    movaps 96(%rdi), %xmm6
    movaps 112(%rdi), %xmm7
    movaps 128(%rdi), %xmm8
    movaps 144(%rdi), %xmm9
    movaps 160(%rdi), %xmm10
    movaps 176(%rdi), %xmm11
    movaps 192(%rdi), %xmm12
    movaps 208(%rdi), %xmm13
    movaps 224(%rdi), %xmm14
    movaps 240(%rdi), %xmm15
    mov RBX(%rdi), %rbx
    mov RDX(%rdi), %rdx
    mov RSI(%rdi), %rsi
    mov RBP(%rdi), %rbp
    mov R8(%rdi), %r8
    mov R9(%rdi), %r9
    mov R10(%rdi), %r10
    mov R12(%rdi), %r12
    mov R13(%rdi), %r13
    mov R14(%rdi), %r14
    mov R15(%rdi), %r15
    mov RCX(%rdi), %rcx
    mov R11(%rdi), %r11
    # sysret takes rip from rcx and rflags from r11: it will do where they hold them anyway, as after a system call.
    # (rip is below USER_END, checked by the caller: a sysret to a non-canonical address would fault in ring 0.)
    cmp RIP(%rdi), %rcx
    jne 1f
    cmp RFLAGS(%rdi), %r11
    jne 1f
    mov RAX(%rdi), %rax
    mov RSP(%rdi), %rsp
    mov RDI(%rdi), %rdi
    swapgs
    sysretq
1:  pushq $USER_DATA
    pushq RSP(%rdi)
    pushq RFLAGS(%rdi)
    pushq $USER_CODE
    pushq RIP(%rdi)
    mov RAX(%rdi), %rax
    mov RDI(%rdi), %rdi
    swapgs
    iretq

# The program's `syscall`: rip is in rcx, rflags in r11, interrupts are off.
    .globl syscall_entry
syscall_entry:
    swapgs
    mov %rax, %gs:SCRATCH
    mov %gs:REGISTERS, %rax
    mov %rsp, RSP(%rax)
    mov %rcx, RIP(%rax)
    mov %r11, RFLAGS(%rax)
    save_registers
    xor %eax, %eax
    jmp back_in_kernel

# Every exception and interrupt. Stack: vector, code, then what the processor pushed: rip, cs, rflags, rsp, ss.
trap_entry:
    cld
    testb $3, 24(%rsp)
    jz trap_in_kernel
    swapgs
    mov %rax, %gs:SCRATCH
    mov %gs:REGISTERS, %rax
    save_registers
    mov (%rsp), %rbx
    mov %rbx, %gs:VECTOR
    mov 8(%rsp), %rbx
    mov %rbx, %gs:CODE
    mov 16(%rsp), %rbx
    mov %rbx, RIP(%rax)
    mov 32(%rsp), %rbx
    mov %rbx, RFLAGS(%rax)
    mov 40(%rsp), %rbx
    mov %rbx, RSP(%rax)
    mov %cr2, %rbx
    mov %rbx, %gs:ADDRESS
    # The trap left no stack segment, a system call leaves one: to an emulator these are two modes, in each of which it would
    # translate the kernel.
    mov $KERNEL_DATA, %ebx
    mov %ebx, %ss
    # The program's AC flag would let the kernel touch the program's pages (SMAP); a trap leaves it as it is.
    pushq $2
    popfq
    mov $1, %eax

back_in_kernel:
    mov %gs:KERNEL_STACK, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

# In the kernel: an interrupt while it idles, or a fault of the kernel's own.
trap_in_kernel:
    push %rax
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    mov 72(%rsp), %rdi          # vector
    mov 80(%rsp), %rsi          # code
    mov 88(%rsp), %rdx          # rip
    mov %cr2, %rcx
    push %rbx
    mov %rsp, %rbx
    and $-16, %rsp
    call kernel_trap
    mov %rbx, %rsp
    pop %rbx
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rax
    add $16, %rsp
    iretq

# A stub of 16 bytes for each of the 256 vectors. Those of the mask push a code of their own (Intel SDM volume 3, 7.3).
    .align 16
    .globl trap_stubs
trap_stubs:
    .set vector, 0
    .rept 256
    .align 16
    .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
    .else
    pushq $0
    .endif
    pushq $vector
    jmp trap_entry
    .set vector, vector + 1
    .endr
