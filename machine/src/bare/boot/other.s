# The entry of the other processors: one that is told to start (Intel SDM volume 3, 10.4.4.1) is in real mode at the beginning of a
# page below 1 MiB, where `boot::other` has put what stands between other_start and other_end. From there it goes
# the way of the first one, with the early page tables, up to the kernel's own and a stack of its own.

    .section .boot.text, "ax"
    .code16
    .globl other_start
other_start:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    lgdtl other_pointer - other_start
    movl $0x11, %eax            # CR0: ET, PE
    movl %eax, %cr0
    ljmpl $0x10, $other_protected
    .align 4
other_pointer:
    .word 4 * 8 - 1
    .long other_gdt
    .globl other_end
other_end:

    .code32
other_protected:
    movl $0x18, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $early_root, %eax
    movl %eax, %cr3
    movl $0x620, %eax           # as in entry.s
    movl %eax, %cr4
    movl $0xc0000080, %ecx
    movl $0x901, %eax
    xorl %edx, %edx
    wrmsr
    movl $0x80010033, %eax
    movl %eax, %cr0
    ljmp $8, $other_long

    .code64
other_long:
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    movabsq $other_high, %rax
    jmpq *%rax

    .section .boot.data, "aw"
    .align 8
other_gdt:
    .quad 0
    .quad 0x00af9b000000ffff    # 64-bit code, ring 0
    .quad 0x00cf9b000000ffff    # 32-bit code, ring 0
    .quad 0x00cf93000000ffff    # data, ring 0

    # Where the kernel is linked: the kernel's page tables have it, too.
    .text
other_high:
    movl $1, %eax               # CPUID 1: the number of the local APIC is in the top byte of EBX
    cpuid
    shrl $24, %ebx
    movq other_root(%rip), %rax
    movq %rax, %cr3
    leaq other_stacks(%rip), %rax
    movq (%rax,%rbx,8), %rsp
    xorl %ebp, %ebp
    movl %ebx, %edi
    call boot_join
    ud2

    .bss
    .align 8
    .globl other_root
other_root:   .skip 8           # the root of the kernel's page tables
    .globl other_stacks
other_stacks: .skip 256 * 8     # the top of a stack for each local APIC's number
    .text
